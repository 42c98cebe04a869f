"""Exposure model: the propensity that a user-item pair is rated at all.

logit P(O_ui = 1) = a_u + c_i (Rasch 1960, `rasch1960`): active users and popular items. The maximum-likelihood
fit reproduces every user's and every item's number of ratings. Assumption: given user and item, whether a pair is
observed does not depend on its rating; what remains of that dependence the log alone cannot show. Other models, and
the data that would show it, are in `exposure_models`.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

BLOCK_CELLS = 4_000_000


class ExposureModel(NamedTuple):
    """A fitted exposure model."""

    user: NDArray[np.float64]
    """(U,) a_u, in log-odds."""
    item: NDArray[np.float64]
    """(N,) c_i, in log-odds."""

    def propensity(self, users: NDArray[np.integer], items: NDArray[np.integer]) -> NDArray[np.float64]:
        """Return (n,) P(O = 1) of each pair."""
        return 1.0 / (1.0 + np.exp(-(self.user[users] + self.item[items])))


class _Side(NamedTuple):
    """Users or items grouped by their number of ratings: equal numbers have equal effects at the maximum."""

    target: NDArray[np.float64]
    """(M,) distinct numbers of ratings."""
    size: NDArray[np.float64]
    """(M,) how many have it."""
    group: NDArray[np.intp]
    """(U,) or (N,) the group of each."""


def fit_exposure(
    users: NDArray[np.integer],
    items: NDArray[np.integer],
    n_users: int,
    n_items: int,
    *,
    max_iterations: int = 100,
    tolerance: float = 1e-4,
) -> ExposureModel:
    """Fit a_u and c_i by Newton steps on one side at a time, until all margins agree to `tolerance` of their size.

    A user or item without ratings is given half a rating, so that its propensity stays above 0. Only distinct numbers
    of ratings are computed with, so the cost does not grow with users x items.
    """
    row, column = _side(users, n_users, n_items), _side(items, n_items, n_users)
    mean = float(row.target @ row.size) / n_users
    a = np.log(row.target / (n_items - row.target))
    c = np.log(column.target / (n_users - column.target)) + np.log((n_items - mean) / mean)
    for _ in range(max_iterations):
        a += _newton_step(a, c, row.target, column.size)
        step = _newton_step(c, a, column.target, row.size)
        c += step
        if np.max(np.abs(step)) < tolerance:
            break
    return ExposureModel(a[row.group], c[column.group])


def _side(ids: NDArray[np.integer], own: int, other: int) -> _Side:
    counts = np.clip(np.bincount(ids, minlength=own), 0.5, other - 0.5)
    target, group, size = np.unique(counts, return_inverse=True, return_counts=True)
    return _Side(target.astype(np.float64), size.astype(np.float64), group)


def _newton_step(own: NDArray, other: NDArray, target: NDArray, size: NDArray) -> NDArray:
    """Return the step of each own effect towards its target number of ratings, in blocks of rows."""
    step = np.empty_like(own)
    block = max(1, BLOCK_CELLS // len(other))
    for begin in range(0, len(own), block):
        part = slice(begin, begin + block)
        p = 1.0 / (1.0 + np.exp(-(own[part, None] + other[None, :])))
        step[part] = (target[part] - p @ size) / np.maximum((p * (1 - p)) @ size, 1e-9)
    return np.clip(step, -2.0, 2.0)


def inverse_propensity_weights(propensity: NDArray[np.float64], *, clip_quantile: float) -> NDArray[np.float64]:
    """Return (n,) weights 1 / p with mean 1; propensities below their `clip_quantile` are raised to it.

    Self-normalised inverse-propensity weighting of the loss (Schnabel et al. 2016, `schnabel2016recommendations`).
    """
    weights = 1.0 / np.maximum(propensity, np.quantile(propensity, clip_quantile))
    return weights / weights.mean()
