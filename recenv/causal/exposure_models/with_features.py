"""Exposure from side information: who picks what kind of item.

logit P(O_ui = 1) = a_u + c_i + x_u' W z_i with standardised user features x (U, P) and item features z (N, Q): main
effects of features are within a_u and c_i, their products are in W. Penalised likelihood over all cells, observed or
not (L-BFGS from the Rasch fit, W = 0); above `MOST_CELLS` cells a sample of users fits W and c_i, and a_u follows by
Newton steps for everybody.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from recenv.causal.exposure import BLOCK_CELLS, fit_exposure

MOST_CELLS = 20_000_000
NEWTON_STEPS = 6


class FeatureExposure(NamedTuple):
    """A fitted exposure model on features."""

    user: NDArray[np.float64]
    """(U,) a_u."""
    item: NDArray[np.float64]
    """(N,) c_i."""
    user_side: NDArray[np.float64]
    """(U, Q) x W."""
    item_features: NDArray[np.float64]
    """(N, Q) z."""

    def propensity(self, users: NDArray[np.integer], items: NDArray[np.integer]) -> NDArray[np.float64]:
        """Return (n,) P(O = 1) of each pair."""
        product = np.einsum("nq,nq->n", self.user_side[users], self.item_features[items])
        return 1.0 / (1.0 + np.exp(-(self.user[users] + self.item[items] + product)))


class _Cells(NamedTuple):
    """The matrix of who rated what, and the features of its rows and columns."""

    x: NDArray[np.float64]
    """(U, P)."""
    z: NDArray[np.float64]
    """(N, Q)."""
    observed: Any
    """(U, N) sparse, 1 where rated."""


def fit_with_features(
    users: NDArray[np.integer],
    items: NDArray[np.integer],
    user_features: NDArray[np.floating] | None,
    item_features: NDArray[np.floating] | None,
    *,
    rng: np.random.Generator,
    penalty: float = 3.0,
) -> FeatureExposure:
    """Fit a, c and W to the observed pairs (n,).

    Parameters
    ----------
    user_features, item_features
        (U, P) and (N, Q), standardised.
    rng
        Draws the sample of users, where there are too many cells for all.
    penalty
        Prior precision of W; offsets have a hundredth of it.

    Raises
    ------
    ValueError
        If the log has no features of users or none of items.
    """
    from scipy.sparse import csr_array

    if user_features is None or item_features is None:
        missing = "users" if user_features is None else "items"
        raise ValueError(
            f"exposure='features' needs features of {missing}, and the log has none: use 'poisson' or 'rasch'"
        )
    x, z = user_features.astype(np.float64), item_features.astype(np.float64)
    start = fit_exposure(users, items, len(x), len(z))
    observed = csr_array((np.ones(len(users)), (users, items)), shape=(len(x), len(z)))
    chosen = np.sort(rng.permutation(len(x))[: max(1, MOST_CELLS // len(z))])
    effect, weight = _maximise(_Cells(x[chosen], z, observed[chosen]), start.user[chosen], start.item, penalty)
    side = x @ weight
    return FeatureExposure(_user_effects(start.user, effect, side, z, users), effect, side, z)


def _maximise(
    cells: _Cells, user: NDArray[np.float64], item: NDArray[np.float64], penalty: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return c (N,) and W (P, Q) of the largest penalised likelihood."""
    from scipy.optimize import minimize

    ends = np.cumsum([len(user), len(item)])
    shape = (cells.x.shape[1], cells.z.shape[1])
    centre = np.concatenate([user, item, np.zeros(shape[0] * shape[1])])
    precision = np.repeat([0.01 * penalty, penalty], [ends[1], shape[0] * shape[1]])

    def objective(flat: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        a, c, w = np.split(flat, ends)
        loss, gradient = _loss(cells, a, c, w.reshape(shape))
        away = flat - centre
        return loss + 0.5 * float(precision @ away**2), gradient + precision * away

    found = minimize(objective, centre, jac=True, method="L-BFGS-B", options={"maxiter": 100}).x
    _, item, weight = np.split(found, ends)
    return item, weight.reshape(shape)


def _loss(
    cells: _Cells, a: NDArray[np.float64], c: NDArray[np.float64], w: NDArray[np.float64]
) -> tuple[float, NDArray[np.float64]]:
    """Return the negative log-likelihood over all cells and its gradient (U + N + P Q,), in blocks of users."""
    side = cells.x @ w
    loss, by_user, by_item, by_weight = 0.0, np.empty_like(a), np.zeros_like(c), np.zeros_like(w)
    block = max(1, BLOCK_CELLS // len(c))
    for begin in range(0, len(a), block):
        part = slice(begin, begin + block)
        logit = a[part, None] + c + side[part] @ cells.z.T
        row = cells.observed[part].toarray()
        loss += float(np.logaddexp(0.0, logit).sum() - (row * logit).sum())
        residual = 1.0 / (1.0 + np.exp(-logit)) - row
        by_user[part] = residual.sum(1)
        by_item += residual.sum(0)
        by_weight += cells.x[part].T @ (residual @ cells.z)
    return loss, np.concatenate([by_user, by_item, by_weight.ravel()])


def _user_effects(
    start: NDArray[np.float64],
    item: NDArray[np.float64],
    side: NDArray[np.float64],
    z: NDArray[np.float64],
    users: NDArray[np.integer],
) -> NDArray[np.float64]:
    """Return (U,) a_u that reproduce every user's number of ratings, given c and W, in blocks of users."""
    target = np.clip(np.bincount(users, minlength=len(start)), 0.5, len(item) - 0.5)
    effect = start.copy()
    block = max(1, BLOCK_CELLS // len(item))
    for begin in range(0, len(start), block):
        part = slice(begin, begin + block)
        fixed = item + side[part] @ z.T
        for _ in range(NEWTON_STEPS):
            p = 1.0 / (1.0 + np.exp(-(effect[part, None] + fixed)))
            effect[part] += np.clip((target[part] - p.sum(1)) / np.maximum((p * (1 - p)).sum(1), 1e-9), -2.0, 2.0)
    return effect
