"""Pairs that nobody rated, as data of a likelihood that knows how ratings came to be missing.

A pair that is not rated says -log sum_r P(r | x) P(not rated | r). There are many of them, so each gradient step draws
some anew, in place of all; a share of them, as of the ratings, is kept apart for validation.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from recenv.protocol import ResponseData

CELLS = 4
"""Unrated pairs that are drawn for each rating."""


class Cells(NamedTuple):
    """Pairs in torch."""

    user: torch.Tensor
    """(n,)."""
    item: torch.Tensor
    """(n,)."""
    log_unrated: torch.Tensor
    """(n, L) log P(not rated | level)."""


class UnratedPairs:
    """All pairs that are no row of the fit.

    Parameters
    ----------
    data
        Whose rows are the rated pairs.
    probability
        (users (n,), items (n,)) -> (n, L) P(not rated | level).
    device
        Torch device of the cells.
    rng
        Draws the pairs.

    Raises
    ------
    ValueError
        If every pair is rated.
    """

    def __init__(
        self,
        data: ResponseData,
        probability: Callable[..., NDArray[np.float64]],
        device: str,
        rng: np.random.Generator,
    ) -> None:
        self.probability, self.device, self.rng = probability, device, rng
        self.shape = data.n_users, data.n_items
        rows, held = (len(part.user) for part in (data.train, data.validation))
        users, items = (np.concatenate([part[k] for part in (data.train, data.validation)]) for k in (0, 1))
        self._taken = np.unique(users.astype(np.int64) * data.n_items + items)
        every = data.n_users * data.n_items - len(self._taken)
        if every == 0:
            raise ValueError("every pair is rated: there is nothing to learn from unrated pairs, leave weighting out")
        apart = held / (rows + held) * every
        self.to_train = every - apart
        """How many unrated pairs a draw stands for."""
        keys = np.unique(self._keys(max(1, min(CELLS * held, int(apart)))))
        self.of_held = apart / len(keys)
        """How many unrated pairs each of `held` stands for."""
        self.held = self._cells(keys)
        if len(keys) < every:
            self._taken = np.union1d(self._taken, keys)

    def draw(self, rows: int) -> Cells:
        """Return random unrated pairs that are not kept apart: `CELLS` for each of so many ratings."""
        return self._cells(self._keys(CELLS * rows))

    def _keys(self, count: int) -> NDArray[np.int64]:
        """Return (count,) user * N + item, drawn with replacement."""
        n_users, n_items = self.shape
        found, kept = np.zeros(0, np.int64), len(self._taken) / (n_users * n_items)
        while len(found) < count:
            drawn = self.rng.integers(n_users * n_items, size=int(1.1 * (count - len(found)) / (1 - kept)) + 10)
            place = np.minimum(np.searchsorted(self._taken, drawn), len(self._taken) - 1)
            found = np.concatenate([found, drawn[self._taken[place] != drawn]])
        return found[:count]

    def _cells(self, keys: NDArray[np.int64]) -> Cells:
        pair = np.divmod(keys, self.shape[1])
        log = np.log(np.maximum(self.probability(*pair), 1e-12))
        user, item = (torch.as_tensor(column.astype(np.int32), device=self.device) for column in pair)
        return Cells(user, item, torch.as_tensor(log, dtype=torch.float32, device=self.device))
