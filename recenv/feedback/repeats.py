"""Which items an episode has already shown, read off the log itself."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def shown_before(
    episode: NDArray[np.int64], step: NDArray[np.int64], item: NDArray[np.int64], rows: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the pairs (place in `rows`, item) of items shown at earlier steps of the same episode.

    The log is sorted by episode and step; `episode`, `step` and `item` are (n,), `rows` is (B,). Both results are
    (m,), m the number of pairs.
    """
    first = np.searchsorted(episode, episode[rows])
    length = rows - first
    place = np.repeat(np.arange(len(rows)), length)
    offset = np.arange(len(place)) - np.repeat(np.cumsum(length) - length, length)
    earlier = first[place] + offset
    before = step[earlier] < step[rows[place]]  # items of the same slate are no repeats
    return place[before], item[earlier[before]]


def without_shown(
    candidates: NDArray[np.int64], place: NDArray[np.int64], shown: NDArray[np.int64], *, whole_catalogue: bool
) -> NDArray[np.int64]:
    """Return a copy of `candidates` (B, C) in which the pairs (place, shown) are -1."""
    result = np.array(candidates)
    if whole_catalogue:
        result[place, shown] = -1
        return result
    hit = candidates[place] == shown[:, None]
    pair, column = np.nonzero(hit)
    result[place[pair], column] = -1
    return result
