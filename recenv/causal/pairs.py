"""Logged pairs: which user rated which item, and the opinion noise that the rating fixes."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from recenv.causal.compiled import jit_merged

FIRST, SECOND = 0, 1
"""Parts of the log: policies and visible features are made from the first, the second is kept from them."""


class PairTable(NamedTuple):
    """What the compiled loops read: for each user a sorted run of items with their noise."""

    start: NDArray[np.int64]
    """(U + 1,) first row of each user."""
    item: NDArray[np.int32]
    """(n,) item ids, ascending within a user."""
    noise: NDArray[np.float64]
    """(n,) abducted e_rate, in units of the logistic noise."""
    filter: NDArray[np.uint64]
    """(U, W) bits, one or more items each; 0 says at one glance that the pair was not logged (Bloom 1970, one hash)."""
    rank: NDArray[np.int32]
    """(U, W) row of the first pair of each word; (1, 1) of -1 where items share bits."""


BITS_A_PAIR = 16
"""Least size of the filter, on average: at most one in sixteen unlogged pairs is looked up in vain."""


@dataclass(frozen=True)
class LoggedPairs:
    """The logged ratings of a world, sorted by user and item."""

    user: NDArray[np.int32]
    """(n,) user rows, ascending."""
    item: NDArray[np.int32]
    """(n,) item ids, ascending within a user; a pair occurs once."""
    level: NDArray[np.int8]
    """(n,) rating level, 1..L."""
    order: NDArray[np.int32]
    """(n,) place of the rating in its user's history, from 0."""
    part: NDArray[np.int8]
    """(n,) FIRST or SECOND."""
    noise: NDArray[np.float64]
    """(n,) abducted e_rate; NaN before abduction."""

    def __len__(self) -> int:
        """Return the number of pairs."""
        return len(self.user)

    @classmethod
    def from_rows(
        cls,
        user: NDArray[np.integer],
        item: NDArray[np.integer],
        level: NDArray[np.integer],
        part: NDArray[np.integer],
    ) -> LoggedPairs:
        """Sort rows, given in order of time, into pairs; the noise is not known yet."""
        rank = np.empty(len(user), np.int32)
        by_user = np.argsort(user, kind="stable")
        starts = np.searchsorted(user[by_user], user[by_user], side="left")
        rank[by_user] = np.arange(len(user)) - starts
        rows = np.lexsort((item, user))
        return cls(
            user[rows].astype(np.int32),
            item[rows].astype(np.int32),
            level[rows].astype(np.int8),
            rank[rows],
            part[rows].astype(np.int8),
            np.full(len(user), np.nan),
        )

    def only(self, part: int) -> LoggedPairs:
        """Return the pairs of one part."""
        keep = self.part == part
        return replace(self, **{name: getattr(self, name)[keep] for name in _COLUMNS})

    def starts(self, n_users: int) -> NDArray[np.int64]:
        """Return (U + 1,) where each user's rows begin."""
        return np.searchsorted(self.user, np.arange(n_users + 1)).astype(np.int64)

    def table(self, n_users: int) -> PairTable:
        """Return the arrays for the compiled loops."""
        starts = self.starts(n_users)
        mean = max(1.0, len(self) / max(n_users, 1))
        bits = min(mean * BITS_A_PAIR, float(self.item.max(initial=0)) + 1.0)  # more than items would stay empty
        words = 1 << max(0, int(np.ceil(np.log2(bits / 64))))
        seen = np.zeros((n_users, words), np.uint64)
        fill_filter(seen, self.user, self.item)
        rank = first_rows(seen) if int(self.item.max(initial=0)) < 64 * words else np.full((1, 1), -1, np.int32)
        return PairTable(starts, np.ascontiguousarray(self.item), np.ascontiguousarray(self.noise), seen, rank)

    def history(self, user: int) -> LoggedPairs:
        """Return one user's pairs in the order in which they were rated."""
        rows = np.flatnonzero(self.user == user)
        rows = rows[np.argsort(self.order[rows])]
        return replace(self, **{name: getattr(self, name)[rows] for name in _COLUMNS})

    def arrays(self) -> dict[str, NDArray]:
        """Return the columns by name, for storage."""
        return {name: getattr(self, name) for name in _COLUMNS}


_COLUMNS = ("user", "item", "level", "order", "part", "noise")


def first_rows(seen: NDArray[np.uint64]) -> NDArray[np.int32]:
    """Return (U, W) how many pairs stand before each word of a filter (U, W) in which no two items share a bit."""
    before = np.zeros(seen.size + 1, np.int32)
    np.cumsum(np.bitwise_count(seen).ravel(), out=before[1:])
    return before[:-1].reshape(seen.shape)


@jit_merged
def filter_place(item, words):  # type: ignore[no-untyped-def]
    """Return (word, bit) of an item in a filter of `words` words, a power of two: its id modulo the number of bits.

    Where the catalogue is no larger than the filter no two items share a bit, and the filter errs for none.
    """
    place = np.uint64(item) & np.uint64(words * 64 - 1)
    return np.int64(place >> np.uint64(6)), np.uint64(1) << (place & np.uint64(63))


@jit_merged
def fill_filter(seen, user, item):  # type: ignore[no-untyped-def]
    """Set the bits of all pairs in `seen` (U, W)."""
    for row in range(user.shape[0]):
        word, bit = filter_place(item[row], seen.shape[1])
        seen[user[row], word] |= bit


@jit_merged
def may_be_logged(seen, user, item):  # type: ignore[no-untyped-def]
    """Say whether the filter leaves it open that (user, item) was logged."""
    word, bit = filter_place(item, seen.shape[1])
    return seen[user, word] & bit != 0


@jit_merged
def pair_row(start, items, user, item):  # type: ignore[no-untyped-def]
    """Return the row of (user, item), -1 if the pair was not logged, by binary search."""
    low, size = start[user], start[user + 1] - start[user]
    end = low + size
    while size > 0:  # without a branch on what is found: it would be guessed wrong every second time
        half = size >> 1
        below = items[low + half] < item
        low = low + half + 1 if below else low
        size = size - half - 1 if below else half
    return low if low < end and items[low] == item else -1


@jit_merged
def find_pair(start, items, seen, user, item):  # type: ignore[no-untyped-def]
    """Return the row of (user, item), -1 if the pair was not logged: the filter first, then the search."""
    return pair_row(start, items, user, item) if may_be_logged(seen, user, item) else -1
