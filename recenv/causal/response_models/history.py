"""What users rated, as networks read it, and which part of it a prediction may see.

A prediction for a pair must not read the rating of that pair. So while a network learns, a random part of each
user's ratings is hidden and has to be predicted from the rest; and afterwards a pair that is itself in the history
is predicted from the history without the fold (one of `FOLDS`, drawn once) that the pair belongs to.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from recenv.protocol import Ratings

FOLDS = 5
NOTHING_HIDDEN = FOLDS
"""The fold of a pair that is not in the history: it is predicted from all of it."""
SHRINKAGE = 5.0
"""Ratings at the overall mean that each item's and each user's mean is mixed with."""


class History(NamedTuple):
    """What may be read of B users: m ratings, one user after the other, each in its own order."""

    users: torch.Tensor
    """(B,) user ids."""
    item: torch.Tensor
    """(m,) item ids."""
    residual: torch.Tensor
    """(m,) level less the item's mean and the user's mean residual, in levels."""
    start: torch.Tensor
    """(B,) where each user's ratings begin."""
    size: torch.Tensor
    """(B,) how many there are; may be 0."""
    mean: torch.Tensor
    """(B,) the user's mean residual."""


class Targets(NamedTuple):
    """Ratings to predict for the users of a `History`."""

    slot: torch.Tensor
    """(n,) place of the user in the batch."""
    item: torch.Tensor
    """(n,)"""
    level: torch.Tensor
    """(n,) 1..L."""
    weight: torch.Tensor
    """(n,)"""

    @classmethod
    def of(cls, *columns: NDArray, device: str) -> Targets:
        """Return numpy columns, in the order of the fields, on the device."""
        return cls(*(_tensor(column, device) for column in columns))


class HistoryTable:
    """All training ratings, sorted by user and, within a user, by their order."""

    def __init__(self, train: Ratings, n_users: int, n_items: int, rng: np.random.Generator) -> None:
        rows = np.lexsort((train.order, train.user))
        self.user, self.item, self.level = (np.asarray(column[rows], np.int64) for column in train[:3])
        self.weight = np.asarray(train.weight[rows], np.float32)
        self.start = np.searchsorted(self.user, np.arange(n_users + 1))
        self.fold = rng.integers(FOLDS, size=len(rows)).astype(np.int8)
        self.n_items = n_items
        self.item_mean = _shrunk_means(self.item, self.level, n_items)
        self.residual = self.level - self.item_mean[self.item]

    def batches(self, users: int) -> int:
        """Return how many batches of about so many users hold every user that has ratings."""
        return max(1, int((np.diff(self.start) > 0).sum()) // users)

    def rows(self, users: NDArray[np.integer]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return (m,) rows of these users, one user after the other, and (m,) the place of each row's user."""
        size = self.start[users + 1] - self.start[users]
        slot = np.repeat(np.arange(len(users)), size)
        before = np.cumsum(size) - size
        return np.arange(size.sum()) - before[slot] + self.start[users][slot], slot

    def history(
        self, users: NDArray[np.integer], rows: NDArray[np.int64], slot: NDArray[np.int64], device: str
    ) -> History:
        """Return what the network reads: these rows (m,) of these users (B,), at these places (m,)."""
        size = np.bincount(slot, minlength=len(users))
        mean = np.bincount(slot, self.residual[rows], len(users)) / (size + SHRINKAGE)
        columns = (users, self.item[rows], self.residual[rows] - mean[slot], np.cumsum(size) - size, size, mean)
        return History(*(_tensor(column, device) for column in columns))

    def targets(self, rows: NDArray[np.int64], slot: NDArray[np.int64], device: str) -> Targets:
        """Return the ratings to predict."""
        return Targets.of(slot, self.item[rows], self.level[rows], self.weight[rows], device=device)

    def folds(self) -> tuple[NDArray[np.int64], NDArray[np.int8]]:
        """Return sorted keys user * N + item of the training pairs, and the fold of each."""
        keys = self.user * self.n_items + self.item
        order = np.argsort(keys)
        return keys[order], self.fold[order]


def _shrunk_means(item: NDArray[np.int64], level: NDArray[np.int64], n_items: int) -> NDArray[np.float64]:
    total = np.bincount(item, level, n_items) + SHRINKAGE * level.mean()
    return total / (np.bincount(item, minlength=n_items) + SHRINKAGE)


def _tensor(column: NDArray, device: str) -> torch.Tensor:
    kind = np.float32 if np.issubdtype(column.dtype, np.floating) else np.int64
    return torch.from_numpy(np.ascontiguousarray(column, kind)).to(device)
