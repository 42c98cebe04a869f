"""Rows of one user are not independent: sums and standard errors by cluster.

Codes of None mean that every row is a cluster of its own; no array is needed to say so.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


def cluster_codes(cluster: NDArray[Any] | None, rows: int) -> tuple[NDArray[np.int64], int]:
    """Return codes 0..G-1 (n,) and G; None makes every row its own cluster."""
    if cluster is None:
        return np.arange(rows), rows
    if _are_codes(cluster):
        return cluster, int(cluster.max()) + 1
    labels, codes = np.unique(cluster, return_inverse=True)
    return codes, len(labels)


def _are_codes(cluster: NDArray[Any]) -> bool:
    """Whether the labels are 0..G-1 already, so that they need no sorting."""
    if cluster.dtype != np.int64 or cluster.min() != 0 or cluster.max() >= len(cluster):
        return False
    return bool(np.bincount(cluster).all())


def cluster_sums(values: NDArray[np.float64], codes: NDArray[np.integer] | None, groups: int) -> NDArray[np.float64]:
    """Return the sum of `values` (n,) in each cluster (G,)."""
    if codes is None:
        return values
    if values.strides == (0,):  # one number for all rows: no need to write it out
        return values[0] * np.bincount(codes, minlength=groups)
    return np.bincount(codes, weights=values, minlength=groups).astype(np.float64, copy=False)


def clustered_error(
    influence: NDArray[np.float64], codes: NDArray[np.integer] | None, groups: int, *, correct: bool = True
) -> float:
    """Return the standard error of a mean whose rows have this influence (n,).

        se = sqrt(G / (G - 1) * sum_g (sum_{i in g} psi_i)^2) / n

    With every row its own cluster this is the usual std(ddof=1) / sqrt(n). A pure ratio's textbook error is
    sqrt(sum w^2 (r - value)^2) / sum w, without the factor G / (G - 1): `correct` False leaves it out. The error is
    infinite for one cluster, since one unit says nothing about its spread. Reference: Liang and Zeger (1986).
    """
    if groups < 2 or np.isnan(influence).any():
        return float("inf")
    total = cluster_sums(influence, codes, groups)
    factor = groups / (groups - 1) if correct else 1.0
    return float(np.sqrt(factor * np.dot(total, total)) / len(influence))


def pool_clusters(
    codes: NDArray[np.int64] | None, groups: int, limit: int, rng: np.random.Generator
) -> tuple[NDArray[np.integer], int]:
    """Return at most `limit` groups by joining clusters at random.

    Joined clusters stay independent of each other and sums keep their first three cumulants in expectation, so a
    resample of pools estimates the same distribution; with 20,000 pools the error of a standard error is 0.5%.
    """
    if groups <= limit:
        return (np.arange(groups) if codes is None else codes), groups
    pool = rng.permutation(groups)
    pool %= limit
    small = pool.astype(np.min_scalar_type(limit))
    return (small if codes is None else small[codes]), limit
