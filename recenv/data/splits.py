"""Splits of a log by user-item pairs, so that what policies are made from is not what worlds are fitted to."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from recenv.data.ratings_log import RatingsLog


def split_pairs(
    log: RatingsLog, first_share: float = 0.7, *, seed: int | np.random.Generator
) -> tuple[RatingsLog, RatingsLog]:
    """Return two parts with no pair in common, drawn at random within each user.

    A user with n pairs has about `first_share * n` in the first part (rounded at random, so the share is right on
    average), and at least one in each part where n is 2 or more; a single pair falls into either. Both parts keep the
    log's users, items, codes and levels. Split the first part again for training and validation.

    Parameters
    ----------
    log
        The log to split.
    first_share
        Expected share of pairs in the first part, in (0, 1).
    seed
        A seed or generator; the same seed and log give the same parts.

    Raises
    ------
    ValueError
        If `first_share` is not in (0, 1).
    """
    in_first = first_part(log, first_share, seed=seed)
    return log.subset(in_first), log.subset(~in_first)


def first_part(log: RatingsLog, first_share: float = 0.7, *, seed: int | np.random.Generator) -> NDArray[np.bool_]:
    """Return (n,) whether each row falls into the first part; see `split_pairs`."""
    if not 0 < first_share < 1:
        raise ValueError(f"first_share must be in (0, 1); got {first_share}")
    rng = np.random.default_rng(seed)
    counts = np.bincount(log.user, minlength=log.n_users)
    quota = np.floor(counts * first_share + rng.random(log.n_users)).astype(np.int64)
    quota = np.where(counts >= 2, np.clip(quota, 1, np.maximum(counts - 1, 1)), quota)
    order = np.lexsort((rng.random(len(log)), log.user))
    starts = np.cumsum(counts) - counts
    rank = np.empty(len(log), dtype=np.int64)
    rank[order] = np.arange(len(log)) - starts[log.user[order]]
    return rank < quota[log.user]
