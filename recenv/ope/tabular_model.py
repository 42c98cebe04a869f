"""A reward or value model that is a table: the mean of every pair of observation and item."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


class TabularModel:
    """Mean target of each (observation row, item), for states that are few and repeat exactly.

    A pair that was never seen has the mean of its state, and a state that was never seen the overall mean; `shrinkage`
    rows pull every pair towards its state's mean.
    """

    def __init__(self, *, shrinkage: float = 0.0) -> None:
        if shrinkage < 0:
            raise ValueError(f"shrinkage must be at least 0, not {shrinkage}")
        self.shrinkage = shrinkage
        self._states: dict[bytes, int] = {}
        self._table: NDArray[np.float64] = np.zeros((1, 1))

    def fit(
        self,
        observation: NDArray[np.floating],
        item: NDArray[np.int64],
        reward: NDArray[np.float64],
        weight: NDArray[np.float64] | None = None,
    ) -> TabularModel:
        """Learn from observation (n, O), item (n,), reward (n,) and optional weights (n,)."""
        share = np.ones(len(item)) if weight is None else np.asarray(weight, dtype=np.float64)
        rows, state = np.unique(np.ascontiguousarray(observation), axis=0, return_inverse=True)
        state = state.reshape(-1)
        self._states = {row.tobytes(): number for number, row in enumerate(rows)}
        items = int(item.max()) + 1
        pair, size = state * items + item, len(rows) * items
        count = np.bincount(pair, share, size).reshape(-1, items)
        total = np.bincount(pair, share * reward, size).reshape(-1, items)
        own = (total.sum(axis=1) / count.sum(axis=1))[:, None]
        with np.errstate(divide="ignore", invalid="ignore"):
            mean = (total + self.shrinkage * own) / (count + self.shrinkage)
        known = np.where(count + self.shrinkage > 0, mean, own)
        overall = float(np.average(reward, weights=share))
        # A last column for unseen items, a last row for unseen states.
        self._table = np.vstack([np.hstack([known, own]), np.full((1, items + 1), overall)])
        return self

    def _rows(self, observation: NDArray[np.floating]) -> NDArray[np.int64]:
        rows, place = np.unique(np.ascontiguousarray(observation), axis=0, return_inverse=True)
        known = np.array([self._states.get(row.tobytes(), len(self._table) - 1) for row in rows], dtype=np.int64)
        return np.asarray(known[place.reshape(-1)])

    def _columns(self, items: NDArray[np.int64]) -> NDArray[np.int64]:
        last = self._table.shape[1] - 1
        return np.where((items >= 0) & (items < last), items, last)

    def predict(self, observation: NDArray[np.floating], items: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return the mean (n,) of one item a row."""
        return np.asarray(self._table[self._rows(observation), self._columns(items)])

    def predict_all(self, observation: NDArray[np.floating], candidates: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return the means (B, C) of every candidate."""
        return np.asarray(self._table[self._rows(observation)[:, None], self._columns(candidates)])

    def __deepcopy__(self, memo: dict[int, Any]) -> TabularModel:
        return TabularModel(shrinkage=self.shrinkage)
