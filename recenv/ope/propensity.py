"""Propensities that nobody logged: what the logging policy seems to have done."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from recenv.ope.context import context
from recenv.protocol import Request


class ItemSharePropensity:
    """Every item's share of the log, renormalised over the candidates.

    Assumes that the logging policy did not look at the user; where it did, estimates are biased.

    Parameters
    ----------
    smoothing : float
        Rows added to each item, so that no candidate has probability 0.
    """

    def __init__(self, smoothing: float = 1.0) -> None:
        self.smoothing = smoothing
        self._count: NDArray[np.float64] = np.zeros(0)

    def fit(self, observation: NDArray[np.floating], item: NDArray[np.int64], n_items: int) -> ItemSharePropensity:
        """Count the shown items (n,)."""
        self._count = np.bincount(item, minlength=n_items).astype(np.float64) + self.smoothing
        return self

    def probabilities(self, request: Request) -> NDArray[np.float64]:
        """Return (B, C) shares that sum to 1 over the candidates."""
        return _normalised(self._count[np.maximum(request.candidates, 0)], request.candidates)


class ClassifierPropensity:
    """Any scikit-learn classifier of the shown item given the observation.

    Parameters
    ----------
    estimator : scikit-learn classifier
        A clone of it is fitted; it needs `predict_proba`.
    floor : float
        Smallest probability of a candidate before renormalising.
    """

    def __init__(self, estimator: Any, *, floor: float = 1e-4) -> None:
        self.estimator = estimator
        self.floor = floor
        self._n_items = 0
        self._fitted: Any = None

    def fit(self, observation: NDArray[np.floating], item: NDArray[np.int64], n_items: int) -> ClassifierPropensity:
        """Learn which item is shown (n,) for which observation (n, O)."""
        from sklearn.base import clone

        self._n_items = n_items
        self._fitted = clone(self.estimator).fit(observation, item)
        return self

    def probabilities(self, request: Request) -> NDArray[np.float64]:
        """Return (B, C) probabilities that sum to 1 over the candidates."""
        rows = len(request.candidates)
        given = request.observation
        observation = context({"features": given} if isinstance(given, np.ndarray) else given, rows)
        scores = np.full((rows, self._n_items), self.floor)
        scores[:, self._fitted.classes_] = np.maximum(self._fitted.predict_proba(observation), self.floor)
        return _normalised(np.take_along_axis(scores, np.maximum(request.candidates, 0), axis=1), request.candidates)


def _normalised(scores: NDArray[np.float64], candidates: NDArray[np.int64]) -> NDArray[np.float64]:
    allowed = np.where(candidates >= 0, scores, 0.0)
    return allowed / allowed.sum(axis=1, keepdims=True)
