"""From an observation and an item to one row of numbers, for models that know nothing of items."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

_CELLS = 4_000_000


class ItemDesign:
    """A reward model on the observation beside the item's features, asked for a block of candidates at once.

    Without item features, an item's feature is its mean reward, shrunk towards the overall mean by 20 rows.

    Parameters
    ----------
    item_features : (N, Q) array, optional
        Row = catalogue id.
    """

    def __init__(self, item_features: NDArray[np.floating] | None = None) -> None:
        self.item_features = None if item_features is None else np.asarray(item_features, dtype=np.float64)
        self._features: NDArray[np.float64] = np.zeros((0, 1))
        self._default: NDArray[np.float64] = np.zeros(1)

    def _learn(
        self, design: NDArray[np.float64], reward: NDArray[np.float64], weight: NDArray[np.float64] | None
    ) -> None:
        """Fit design (n, P) to reward (n,) with weights (n,) or None."""
        raise NotImplementedError

    def _answer(self, design: NDArray[np.float64]) -> NDArray[Any]:
        """Return the prediction (n,) for design (n, P)."""
        raise NotImplementedError

    def fit(
        self,
        observation: NDArray[np.floating],
        item: NDArray[np.int64],
        reward: NDArray[np.float64],
        weight: NDArray[np.float64] | None = None,
    ) -> Self:
        """Learn from observation (n, O), item (n,), reward (n,) and optional weights (n,)."""
        self._features = self._item_means(item, reward) if self.item_features is None else self.item_features
        # Items that were never shown: the average item.
        self._default = self._features.mean(axis=0) if self.item_features is not None else np.array([reward.mean()])
        self._learn(self._design(observation, item), reward, weight)
        return self

    def _item_means(self, item: NDArray[np.int64], reward: NDArray[np.float64]) -> NDArray[np.float64]:
        total, count = np.bincount(item, weights=reward), np.bincount(item)
        return ((total + 20 * reward.mean()) / (count + 20))[:, None]

    def _design(self, observation: NDArray[np.floating], items: NDArray[np.int64]) -> NDArray[np.float64]:
        known = (items >= 0) & (items < len(self._features))
        side = np.where(known[:, None], self._features[np.where(known, items, 0)], self._default)
        return np.hstack([observation, side])

    def predict(self, observation: NDArray[np.floating], items: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return the reward (n,) of one item a row."""
        return np.asarray(self._answer(self._design(observation, items)), dtype=np.float64)

    def predict_all(self, observation: NDArray[np.floating], candidates: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return the reward (B, C) of every candidate, in calls of about 4 million numbers."""
        size = candidates.shape[1]
        step = max(1, _CELLS // (size * (observation.shape[1] + self._features.shape[1])))
        parts = [
            self.predict(
                np.repeat(observation[start : start + step], size, axis=0), candidates[start : start + step].ravel()
            )
            for start in range(0, len(candidates), step)
        ]
        return np.concatenate(parts).reshape(candidates.shape)
