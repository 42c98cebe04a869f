"""Any scikit-learn estimator as a reward model."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from recenv.ope.item_design import ItemDesign


class SklearnReward(ItemDesign):
    """A regressor, or a classifier of numeric rewards whose expectation is used, on observation and item features.

    Parameters
    ----------
    estimator : scikit-learn estimator
        A clone of it is fitted; the object itself is left alone.
    item_features : (N, Q) array, optional
        Row = catalogue id; without them an item's feature is its shrunken mean reward.
    """

    def __init__(self, estimator: Any, item_features: NDArray[np.floating] | None = None) -> None:
        super().__init__(item_features)
        self.estimator = estimator
        self._fitted: Any = None

    def _learn(
        self, design: NDArray[np.float64], reward: NDArray[np.float64], weight: NDArray[np.float64] | None
    ) -> None:
        from sklearn.base import clone

        options = {} if weight is None else {"sample_weight": weight}
        try:
            self._fitted = clone(self.estimator).fit(design, reward, **options)
        except TypeError as error:
            if "sample_weight" not in str(error):
                raise
            name = type(self.estimator).__name__
            raise ValueError(f"{name} takes no sample_weight: choose a model that does, or fit it unweighted") from None

    def _answer(self, design: NDArray[np.float64]) -> NDArray[Any]:
        if not hasattr(self._fitted, "predict_proba"):
            return np.asarray(self._fitted.predict(design))
        return np.asarray(self._fitted.predict_proba(design) @ self._fitted.classes_.astype(np.float64))
