"""What is in a ratings log, in numbers that go into a table, a report or JSON."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np

from recenv.data.ratings_log import RatingsLog

_MOST_LEVELS = 20


def summarise(log: RatingsLog) -> dict[str, Any]:
    """Return counts, density, mean, spread, histogram and time span as plain Python values.

    `users_with_ratings` and `items_with_ratings` count what this part holds; a split has fewer than its users.
    """
    pairs = log.n_users * log.n_items
    return {
        "name": log.name,
        "users": log.n_users,
        "items": log.n_items,
        "ratings": log.n_ratings,
        "users_with_ratings": len(np.unique(log.user)),
        "items_with_ratings": len(np.unique(log.item)),
        "density": log.n_ratings / pairs,
        "mean": float(log.rating.mean()) if len(log) else None,
        "deviation": float(log.rating.std()) if len(log) else None,
        "levels": len(log.levels),
        "histogram": histogram(log),
        "first_time": None if log.timestamp is None or not len(log) else log.timestamp[0].item(),
        "last_time": None if log.timestamp is None or not len(log) else log.timestamp[-1].item(),
        "genres": len({genre for item in log.genres for genre in item}),
    }


def histogram(log: RatingsLog) -> dict[str, int]:
    """Return `{level: ratings}`; ten ranges of equal width where there are more than 20 levels."""
    if len(log.levels) <= _MOST_LEVELS:
        index = np.searchsorted(log.levels, log.rating)
        counts = np.bincount(index, minlength=len(log.levels))
        return {f"{level:g}": int(count) for level, count in zip(log.levels, counts, strict=True)}
    counts, edges = np.histogram(log.rating, bins=10, range=(log.levels[0], log.levels[-1]))
    spans = [f"{low:.3g} to {high:.3g}" for low, high in itertools.pairwise(edges)]
    return {span: int(count) for span, count in zip(spans, counts, strict=True)}
