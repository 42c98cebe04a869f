"""Any scikit-learn regressor as a reward model."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

_CELLS = 4_000_000


class SklearnReward:
    """A regressor on the observation and the item's features, asked for a block of candidates at once.

    Without item features, an item's feature is its mean reward, shrunk towards the overall mean by 20 rows.

    Parameters
    ----------
    estimator : scikit-learn regressor
        A clone of it is fitted; the object itself is left alone.
    item_features : (N, Q) array, optional
        Row = catalogue id.
    """

    def __init__(self, estimator: Any, item_features: NDArray[np.floating] | None = None) -> None:
        self.estimator = estimator
        self.item_features = None if item_features is None else np.asarray(item_features, dtype=np.float64)
        self._features: NDArray[np.float64] = np.zeros((0, 1))
        self._default: NDArray[np.float64] = np.zeros(1)
        self._fitted: Any = None

    def fit(
        self,
        observation: NDArray[np.floating],
        item: NDArray[np.int64],
        reward: NDArray[np.float64],
        weight: NDArray[np.float64] | None = None,
    ) -> SklearnReward:
        """Learn from observation (n, O), item (n,), reward (n,) and optional weights (n,)."""
        from sklearn.base import clone

        self._features = self._item_side(item, reward) if self.item_features is None else self.item_features
        # Items that were never shown: the average item.
        self._default = self._features.mean(axis=0) if self.item_features is not None else np.array([reward.mean()])
        options = {} if weight is None else {"sample_weight": weight}
        self._fitted = clone(self.estimator).fit(self._design(observation, item), reward, **options)
        return self

    def _item_side(self, item: NDArray[np.int64], reward: NDArray[np.float64]) -> NDArray[np.float64]:
        count = np.bincount(item)
        total = np.bincount(item, weights=reward)
        return ((total + 20 * reward.mean()) / (count + 20))[:, None]

    def _design(self, observation: NDArray[np.floating], items: NDArray[np.int64]) -> NDArray[np.float64]:
        known = (items >= 0) & (items < len(self._features))
        side = np.where(known[:, None], self._features[np.where(known, items, 0)], self._default)
        return np.hstack([observation, side])

    def predict(self, observation: NDArray[np.floating], items: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return the reward (n,) of one item a row."""
        return np.asarray(self._fitted.predict(self._design(observation, items)), dtype=np.float64)

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
