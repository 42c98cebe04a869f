"""Inverse-gap weighting: the further an item's score is from the best, the rarer it is shown (`foster2020beyond`)."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from recenv.agents.exploration import greedy_columns


@dataclass(frozen=True)
class InverseGap:
    """p(a) = 1 / (n + gamma (best - score(a))) of n candidates; the greedy item gets the rest.

    Of one candidate the probability is 1, and gamma of 0 is uniform. Gamma is in units of 1 / score.
    """

    gamma: float

    def __post_init__(self) -> None:
        """Refuse a gamma that is negative or not finite."""
        if not (math.isfinite(self.gamma) and self.gamma >= 0.0):
            raise ValueError(f"gamma must be 0 or more, got {self.gamma!r}")

    def probabilities(self, scores: NDArray[np.floating], candidates: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return (B, C) probabilities of the next item."""
        valid = candidates >= 0
        rows = np.flatnonzero(valid.any(axis=1))
        greedy = greedy_columns(scores, candidates)
        best = scores[np.arange(len(scores)), greedy]
        gap = np.where(valid, best[:, None] - scores, 0.0)
        probability = np.where(valid, 1.0 / (np.maximum(valid.sum(axis=1), 1)[:, None] + self.gamma * gap), 0.0)
        probability[rows, greedy[rows]] = 0.0
        probability[rows, greedy[rows]] = 1.0 - probability[rows].sum(axis=1)
        return probability
