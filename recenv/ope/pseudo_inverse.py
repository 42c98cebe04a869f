"""Slates whose reward is a sum over positions that nobody observes one by one: the pseudo-inverse estimator."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from recenv.ope.contribution import Contribution, ones_like, zeros_like
from recenv.ope.slate_terms import SlateTerms

RCOND = 1e-10
"""Singular values below this share of the largest are the exact zeros that `every slot shows one item` implies."""


def pi(terms: SlateTerms) -> Contribution:
    """Pseudo-inverse estimator: mean(q' pinv(Gamma) 1_s sum_k r_k).

    Unbiased if a slate's expected reward is a sum of unknown terms, one an (item, position) pair, and every pair that
    the target shows had a positive propensity. Only the slate's total is used.
    Reference: Swaminathan et al. (2017).
    """
    assert terms.pi_weight is not None  # `estimate` has checked what an estimator needs
    weight, total = terms.pi_weight, terms.total
    return Contribution(zeros_like(total), weight * total, ones_like(total), weight)


def sn_pi(terms: SlateTerms) -> Contribution:
    """Weighted pseudo-inverse estimator: the pseudo-inverse mean divided by the mean weight; bias of order 1/n.

    Reference: Swaminathan et al. (2017).
    """
    plain = pi(terms)
    return plain._replace(denominator=plain.weight, pure_ratio=True)


def pseudo_inverse_weight(
    slate: ArrayLike, context: ArrayLike, pairwise: ArrayLike, target_marginal: ArrayLike
) -> NDArray[np.float64]:
    """Return q' pinv(Gamma) 1_s (n,) of logged slates, one factorisation a context.

    1_s marks the slate's (position, item) pairs, Gamma = E[1_s 1_s'] under the logging policy and q = E[1_s] under the
    target policy, both in the slate's context.

    Parameters
    ----------
    slate : (n, K) int array
        Shown items, 0..N-1.
    context : (n,) int array
        Context of each slate, 0..C-1.
    pairwise : (C, K, N, K, N) array
        Logging policy's probability of position k showing a and j showing b; its blocks k = j hold the marginals on
        their diagonal. `slot_marginals` makes it.
    target_marginal : (C, K, N) array
        Target policy's probability of position k showing a.

    Raises
    ------
    ValueError
        If shapes differ, or the logging policy could not have shown a slate, as when an item is repeated in it.
    """
    slates, codes = np.asarray(slate), np.asarray(context)
    joint, wanted = np.asarray(pairwise, dtype=np.float64), np.asarray(target_marginal, dtype=np.float64)
    _check(slates, codes, joint, wanted)
    places, (positions, items) = np.arange(slates.shape[1]), wanted.shape[1:]
    flat = joint.reshape(len(joint), positions * items, positions * items)
    dual = np.linalg.pinv(flat, rcond=RCOND, hermitian=True) @ wanted.reshape(len(wanted), -1, 1)
    return np.asarray(dual.reshape(wanted.shape)[codes[:, None], places, slates].sum(axis=1))


def _check(
    slates: NDArray[np.int64], codes: NDArray[np.int64], joint: NDArray[np.float64], wanted: NDArray[np.float64]
) -> None:
    if wanted.ndim != 3 or joint.shape != (*wanted.shape, *wanted.shape[1:]):
        raise ValueError(
            f"pairwise must be (C, K, N, K, N) and target_marginal (C, K, N), not {joint.shape} and {wanted.shape}"
        )
    if slates.ndim != 2 or slates.shape[1] != wanted.shape[1] or codes.shape != slates.shape[:1]:
        raise ValueError(
            f"slate must be (n, K = {wanted.shape[1]}) and context (n,), not {slates.shape}, {codes.shape}"
        )
    for name, values, size in (("slate", slates, wanted.shape[2]), ("context", codes[:, None], len(wanted))):
        outside = ((values < 0) | (values >= size)).any(axis=1)
        if outside.any():
            row = int(np.argmax(outside))
            raise ValueError(f"{name} must be from 0 to {size - 1}; row {row} has {values[row].tolist()}")
    places = np.arange(slates.shape[1])
    shown = joint[codes[:, None, None], places[:, None], slates[:, :, None], places, slates[:, None, :]]
    never = ~(shown > 0).all(axis=(1, 2))
    if never.any():
        row = int(np.argmax(never))
        raise ValueError(
            f"the logging policy never shows the slate {slates[row].tolist()} of row {row}: correct its marginals, or "
            "drop the row if an item is repeated in it"
        )


def slot_marginals(
    slates: ArrayLike, probability: ArrayLike, n_items: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return a slate distribution's marginals (K, N) and pairwise marginals (K, N, K, N).

    Parameters
    ----------
    slates : (M, K) int array
        Every slate that may be shown, or a sample of slates.
    probability : (M,) array
        Their probabilities, which sum to 1.

    Raises
    ------
    ValueError
        If the probabilities do not sum to 1.
    """
    shown, chance = np.asarray(slates), np.asarray(probability, dtype=np.float64)
    if not abs(chance.sum() - 1) < 1e-6 or (chance < 0).any():
        raise ValueError(f"probability must be at least 0 and sum to 1, not {chance.sum():.6g}: give every slate's")
    size = shown.shape[1] * n_items
    pair = np.arange(shown.shape[1]) * n_items + shown
    place = (pair[:, :, None] * size + pair[:, None, :]).ravel()
    chances = np.repeat(chance, shown.shape[1] ** 2)
    total: NDArray[np.float64] = np.bincount(place, weights=chances, minlength=size**2).astype(np.float64)
    flat = total.reshape(size, size)
    return np.diag(flat).reshape(-1, n_items).copy(), flat.reshape(-1, n_items, shown.shape[1], n_items)
