"""Propensities that the caller knows: of the logged pairs, or of any pair by a function."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

ByLevel = Callable[[NDArray[np.integer], NDArray[np.integer]], NDArray[np.floating]]


class Exposure(Protocol):
    """What any exposure model can be asked."""

    def propensity(self, users: NDArray[np.integer], items: NDArray[np.integer]) -> NDArray[np.float64]:
        """Return (n,) P(O = 1) of each pair, above 0 and at most 1."""
        ...


class KnownPropensities(NamedTuple):
    """Propensities of the logged pairs, one each, and a model for all others."""

    key: NDArray[np.int64]
    """(n,) user * N + item, ascending."""
    known: NDArray[np.float64]
    """(n,) P(O = 1) of each."""
    n_items: int
    """N."""
    others: Exposure
    """For pairs that are not among them."""
    by_level: NDArray[np.float64] | None = None
    """(n, L) P(row | level) of each, for every level that its rating could have had; None where it is not known."""
    anywhere: ByLevel | None = None
    """(users (m,), items (m,)) -> (m, L) P(O = 1 | level) of any pair, rated or not; None where it is not known."""

    def propensity(self, users: NDArray[np.integer], items: NDArray[np.integer]) -> NDArray[np.float64]:
        """Return (n,) P(O = 1): the known one where the pair is logged, else the model's."""
        key = np.asarray(users, np.int64) * self.n_items + items
        place = np.minimum(np.searchsorted(self.key, key), len(self.key) - 1)
        return np.where(self.key[place] == key, self.known[place], self.others.propensity(users, items))

    def unrated(self, users: NDArray[np.integer], items: NDArray[np.integer]) -> NDArray[np.float64]:
        """Return (m, L) P(O = 0 | level) of pairs that nobody rated.

        Raises
        ------
        ValueError
            If it is known of the rated pairs only.
        """
        if self.anywhere is None:
            raise ValueError(
                "weighting='full_likelihood' needs P(rated | level) of the pairs that nobody rated too: give exposure "
                "as a function (users, items) -> (n, L), or randomised ratings"
            )
        return 1.0 - np.asarray(self.anywhere(users, items), np.float64)

    def given_level(self, users: NDArray[np.integer], items: NDArray[np.integer]) -> NDArray[np.float64]:
        """Return (n, L) P(O = 1 | level) of known pairs.

        Raises
        ------
        ValueError
            If it is not known, or a pair is none of the known ones.
        """
        if self.by_level is None:
            raise ValueError("exposure has no propensity of each level: give an array (n, L), or randomised ratings")
        key = np.asarray(users, np.int64) * self.n_items + items
        place = np.minimum(np.searchsorted(self.key, key), len(self.key) - 1)
        if (strange := self.key[place] != key).any():
            row = int(np.flatnonzero(strange)[0])
            raise ValueError(f"exposure knows no propensity of user {users[row]} and item {items[row]} (row {row})")
        return self.by_level[place]


class ComputedByLevel(NamedTuple):
    """Propensities of every level by a function of the caller's."""

    function: ByLevel
    """(users (m,), items (m,)) -> (m, L) P(logged | level)."""
    share: float
    """Share of the logged pairs that the fit sees."""
    levels: int
    """L."""

    def given_level(self, users: NDArray[np.integer], items: NDArray[np.integer]) -> NDArray[np.float64]:
        """Return (m, L) P(O = 1 | level) of each pair."""
        return self.share * checked_by_level(np.asarray(self.function(users, items)), len(users), self.levels)


class ComputedPropensities(NamedTuple):
    """Propensities by a function of the caller's."""

    function: Callable[[NDArray[np.integer], NDArray[np.integer]], NDArray[np.floating]]
    """(users (n,), items (n,)) -> (n,) P(logged)."""
    share: float
    """Share of the logged pairs that the fit sees."""

    def propensity(self, users: NDArray[np.integer], items: NDArray[np.integer]) -> NDArray[np.float64]:
        """Return (n,) P(O = 1) of each pair."""
        given = np.asarray(self.function(users, items), np.float64)
        return self.share * checked_propensities(given, len(users))


def known_propensities(
    user: NDArray[np.integer],
    item: NDArray[np.integer],
    propensity: NDArray[np.float64],
    n_items: int,
    others: Exposure,
    by_level: NDArray[np.float64] | None = None,
    anywhere: ByLevel | None = None,
) -> KnownPropensities:
    """Return the record of the given pairs (n,), in any order."""
    key = np.asarray(user, np.int64) * n_items + item
    order = np.argsort(key)
    return KnownPropensities(
        key[order], propensity[order], n_items, others, None if by_level is None else by_level[order], anywhere
    )


def checked_by_level(propensity: NDArray[np.floating], rows: int, levels: int) -> NDArray[np.float64]:
    """Return (n, L) propensities of each level; refuse those of another shape or that are no probabilities above 0."""
    if propensity.shape != (rows, levels):
        raise ValueError(f"exposure has shape {propensity.shape}; one propensity a row and level is ({rows}, {levels})")
    return np.stack([checked_propensities(column, rows) for column in propensity.T], axis=1)


def checked_propensities(propensity: NDArray[np.floating], rows: int) -> NDArray[np.float64]:
    """Return (n,) propensities; refuse those that are no probabilities above 0, with the row and the remedy."""
    if propensity.shape != (rows,):
        raise ValueError(f"exposure has shape {propensity.shape}; it needs one propensity a row, ({rows},)")
    bad = ~((propensity > 0) & (propensity <= 1))
    if bad.any():
        row = int(np.flatnonzero(bad)[0])
        raise ValueError(
            f"exposure must be in (0, 1]; row {row} has {propensity[row]}: give the probability that the pair is rated"
        )
    return propensity.astype(np.float64)
