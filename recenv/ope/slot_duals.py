"""What the pseudo-inverse estimator asks of the logging policy, once for all targets."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from recenv.ope.slot_probabilities import CELLS, pair_probabilities

MAX_PAIRS = 1_000
"""Most pairs of a position and a candidate where the logger is not uniform: a matrix of them is inverted a context."""
EVEN = 1e-12
"""Relative difference up to which weights count as equal."""
Array = NDArray[np.float64]


def slot_duals(weights: NDArray[np.floating], columns: NDArray[np.int64]) -> Array:
    """Return pinv(Gamma) 1_s (n, K, C) of logged slates: the weight of a target with slots q is its product with q.

    Rows of equal weights have a closed form, whatever the size. Others sum over all slates and invert one matrix for
    each distinct row of weights.

    Parameters
    ----------
    weights : (n, C) array
        Of the logging policy's draws without replacement.
    columns : (n, K) int array
        Place of the logged items among the candidates.

    Raises
    ------
    ValueError
        If weights are unequal and there are too many slates to sum over, or too many pairs to invert.

    Reference: Swaminathan et al. (2017).
    """
    chance = np.asarray(weights, dtype=np.float64)
    result = np.empty((*columns.shape, chance.shape[1]))
    even = is_even(chance)
    result[even] = even_duals(chance[even] > 0, columns[even])
    if not even.all():
        result[~even] = _uneven_duals(chance[~even], columns[~even])
    return result


def is_even(weights: Array) -> NDArray[np.bool_]:
    """Return (n,) whether all candidates of a row that may be shown have the same weight."""
    lowest = np.where(weights > 0, weights, np.inf).min(axis=1)
    return np.asarray(weights.max(axis=1) <= lowest * (1 + EVEN))


def even_duals(possible: NDArray[np.bool_], columns: NDArray[np.int64]) -> Array:
    """Return the duals (n, K, C) where each of M possible candidates (n, C) is drawn alike.

        dual[k, a] = 1/K + M (M-1)/(M-K) (shown[a]/K - 1/M) + (M-1) (shown_at[k, a] - shown[a]/K)

    shown[a] marks the slate's items and shown_at[k, a] that of position k. Gamma is a sum of products of matrices over
    positions and over candidates, I and J: its eigenspaces are the constants, what varies with the candidate alone,
    and the interactions, with eigenvalues K/M, (M-K)/(M (M-1)) and 1/(M-1); nothing shown varies with the position
    alone. Where all candidates are shown (M = K) the middle term is 0.
    """
    rows, size = columns.shape
    shown_at = np.zeros((rows, size, possible.shape[1]))
    np.put_along_axis(shown_at, columns[:, :, None], 1.0, axis=2)
    share = shown_at.sum(axis=1, keepdims=True) / size
    many = possible.sum(axis=1)[:, None, None].astype(np.float64)
    with np.errstate(divide="ignore", invalid="ignore"):
        by_item = np.where(many > size, many * (many - 1) / (many - size), 0.0)
    dual = 1 / size + by_item * (share - 1 / many) + (many - 1) * (shown_at - share)
    return np.asarray(np.where(possible[:, None, :], dual, 0.0))


def _uneven_duals(weights: Array, columns: NDArray[np.int64]) -> Array:
    (rows, size), many = columns.shape, weights.shape[1]
    if many**size > CELLS or size * many > MAX_PAIRS:
        raise ValueError(
            f"pi of a logger that is not uniform sums over all slates and inverts a matrix of all pairs of a position "
            f"and a candidate: {size} positions of {many} candidates are too many (at most {CELLS:,} slates and "
            f"{MAX_PAIRS:,} pairs): use sips, rips or cascade_dr, or log the candidates that could be shown"
        )
    distinct, back = np.unique(weights, axis=0, return_inverse=True)
    code, result = back.reshape(-1), np.zeros((rows, size, many))
    step = max(1, CELLS // max((size * many) ** 2, many**size))
    for start in range(0, len(distinct), step):
        inverse = _inverse(distinct[start : start + step], size)
        here = np.flatnonzero((code >= start) & (code < start + step))
        for k in range(size):
            result[here] += inverse[code[here] - start, :, :, k, columns[here, k]]
    return result


def _inverse(weights: Array, size: int) -> Array:
    """Return a matrix (B, K, C, K, C) that is pinv(Gamma) for what a slate can show.

    As every position shows one item, differences of positions are in Gamma's null space, and where all candidates are
    shown differences of candidates, too: nothing else is. Slates are orthogonal to it. So Gamma plus the projection on
    it is regular and its inverse agrees with pinv(Gamma) on slates; scaled to a diagonal near 1, rare items do no harm.
    """
    joint = pair_probabilities(weights, size)
    flat = joint.reshape(len(joint), size * weights.shape[1], -1)
    chance = np.einsum("bii->bi", flat)
    scale = 1 / np.sqrt(np.where(chance > 0, chance, 1.0))
    whole = scale[:, :, None] * (flat + _null_projection(weights > 0, size)) * scale[:, None, :]
    return np.asarray(scale[:, :, None] * np.linalg.inv(whole) * scale[:, None, :]).reshape(joint.shape)


def _null_projection(possible: NDArray[np.bool_], size: int) -> Array:
    """Return the projection (B, K C, K C) on what no slate shows: see `_inverse`; impossible candidates are in it."""
    rows, many = possible.shape
    count = possible.sum(axis=1)[:, None, None]
    both = np.where(possible[:, :, None] & possible[:, None, :], 1 / count, 0.0)  # mean over candidates
    own, mean = np.eye(size), np.full((size, size), 1 / size)
    never = np.eye(many) * ~possible[:, None, :]
    by_item = np.where(count == size, np.eye(many) * possible[:, None, :] - both, 0.0)
    result = np.einsum("kj,bcd->bkcjd", own - mean, both) + np.einsum("kj,bcd->bkcjd", mean, by_item)
    result += np.einsum("kj,bcd->bkcjd", own, never)
    return np.asarray(result.reshape(rows, size * many, -1))
