"""Ratings as levels of an ordinal scale, and which of them count as liked."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from recenv.data import RatingsLog

MAX_LEVELS = 20


class Labels(NamedTuple):
    """A log's ratings as levels."""

    scale: NDArray[np.float64]
    """(L,) rating values."""
    level: NDArray[np.int8]
    """(n,) 1..L."""


def rating_levels(log: RatingsLog) -> Labels:
    """Return the log's ratings as levels 1..L of its distinct values.

    Raises
    ------
    ValueError
        If there are more than 20 distinct values (the scale is continuous and has to be cut first), or only one.
    """
    scale = np.array(log.levels)
    if len(scale) < 2:
        raise ValueError(f"every rating is {scale[0]:g}: there is nothing to learn from a log with one rating value")
    if len(scale) > MAX_LEVELS:
        raise ValueError(
            f"rating has {len(scale)} distinct values, more than the {MAX_LEVELS} that an ordinal model can use: "
            "cut it into levels first, log.discretise(10), or --levels 10 on the command line"
        )
    return Labels(scale, (np.searchsorted(scale, log.rating) + 1).astype(np.int8))


def chosen_like_level(like_level: int | None, level: NDArray[np.integer], levels: int) -> int:
    """Return the lowest liked level: the given one, else the default.

    Raises
    ------
    ValueError
        If it is beyond the scale.
    """
    if like_level is None:
        return default_like_level(level, levels)
    if like_level > levels:
        raise ValueError(f"like_level is {like_level}, but the log has {levels} levels: nothing would be liked")
    return like_level


def default_like_level(level: NDArray[np.integer], levels: int) -> int:
    """Return 4 on five levels, else the level whose share of ratings at or above it is nearest to one third."""
    if levels == 5:
        return 4
    share = [np.mean(level >= least) for least in range(2, levels + 1)]
    return 2 + int(np.argmin(np.abs(np.array(share) - 1 / 3)))
