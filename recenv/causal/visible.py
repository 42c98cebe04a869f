"""Visible features: what a real system would know of users and items from the first part of the log.

Never a parameter of the world. Users: latent factors of their rated items, mean rating, activity. Items: latent
factors, topics, mean rating, popularity. Factors are the leading singular vectors of the ratings centred by user and
item means (missing cells 0), a plain and common baseline (Sarwar et al. 2000, `sarwar2000application`).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from recenv.causal.popularity import log_popularity

LIMIT = 4.0
"""Features are standardised and clipped to [-LIMIT, LIMIT]."""
DENSE_CELLS = 250_000
"""Matrices with at most this many cells are decomposed densely."""
SHRINKAGE = 10.0
"""Ratings at the overall mean that are added to each item's and user's own."""


class VisibleFeatures(NamedTuple):
    """Standardised features and the counts they rest on."""

    user: NDArray[np.float32]
    """(U, F)."""
    item: NDArray[np.float32]
    """(N, Q)."""
    item_counts: NDArray[np.float64]
    """(N,) ratings."""


def visible_features(
    user: NDArray[np.integer],
    item: NDArray[np.integer],
    rating: NDArray[np.floating],
    topic: NDArray[np.float64],
    n_users: int,
    *,
    factors: int = 14,
) -> VisibleFeatures:
    """Return features made from the given ratings alone.

    Parameters
    ----------
    user, item, rating
        (n,) each: the first part of the log.
    topic
        (N, G) topic loadings, known of every item.
    factors
        Number of latent factors.
    """
    n_items = len(topic)
    item_counts = np.bincount(item, minlength=n_items).astype(np.float64)
    user_counts = np.bincount(user, minlength=n_users).astype(np.float64)
    centre = float(rating.mean()) if len(rating) else 0.0
    item_mean = _shrunken_mean(item, rating - centre, item_counts)
    user_mean = _shrunken_mean(user, rating - centre - item_mean[item], user_counts)
    residual = rating - centre - item_mean[item] - user_mean[user]
    left, right = _factors(user, item, residual, n_users, n_items, factors)
    users = np.column_stack([left, user_mean, np.log1p(user_counts)])
    items = np.column_stack([right, item_mean, log_popularity(item_counts)])
    return VisibleFeatures(
        _standardise(users), np.column_stack([_standardise(items), topic]).astype(np.float32), item_counts
    )


def _shrunken_mean(index: NDArray, value: NDArray, counts: NDArray) -> NDArray[np.float64]:
    return np.bincount(index, weights=value, minlength=len(counts)) / (counts + SHRINKAGE)


def _factors(
    user: NDArray, item: NDArray, residual: NDArray, n_users: int, n_items: int, factors: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return (U, F) and (N, F) singular vectors times the root of their values; signs fixed, so they repeat."""
    rank = min(factors, n_users - 1, n_items - 1)
    left, values, right = _leading_svd(user, item, residual, (n_users, n_items), rank)
    root = np.sqrt(np.maximum(values, 0.0))
    left, right = left * root, right.T * root
    sign = np.where(right.sum(0) < 0, -1.0, 1.0)
    return left * sign, right * sign


def _leading_svd(
    user: NDArray, item: NDArray, residual: NDArray, shape: tuple[int, int], rank: int
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Return the `rank` leading singular triplets, largest first.

    Small matrices are done densely: the iterative solver draws at random where the rank is lower than asked for. Where
    all residuals are 0 it fails, so that case is answered at once.
    """
    from scipy.sparse import csr_array
    from scipy.sparse.linalg import svds

    matrix = csr_array((residual, (user, item)), shape=shape)
    if not np.any(residual):
        return np.zeros((shape[0], rank)), np.zeros(rank), np.zeros((rank, shape[1]))
    if shape[0] * shape[1] <= DENSE_CELLS:
        left, values, right = np.linalg.svd(matrix.toarray(), full_matrices=False)
        return left[:, :rank], values[:rank], right[:rank]
    start = np.random.default_rng(0).normal(size=min(shape))
    left, values, right = svds(matrix, k=rank, v0=start)
    order = np.argsort(-values)
    return left[:, order], values[order], right[order]


def _standardise(columns: NDArray[np.float64]) -> NDArray[np.float32]:
    deviation = columns.std(0)
    scaled = (columns - columns.mean(0)) / np.where(deviation > 1e-12, deviation, 1.0)
    return np.clip(scaled, -LIMIT, LIMIT).astype(np.float32)
