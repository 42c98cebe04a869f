"""From a policy's own probabilities to those of the next item: the score is the probability."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Proportional:
    """p(a) proportional to the score, which is 0 or more; uniform where no candidate that is left has any."""

    def probabilities(self, scores: NDArray[np.floating], candidates: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return (B, C) probabilities of the next item."""
        valid = candidates >= 0
        weight = np.where(valid, scores, 0.0).astype(np.float64)
        if (weight < 0).any():
            row, column = np.argwhere(weight < 0)[0]
            raise ValueError(
                f"the policy gives item {candidates[row, column]} in row {row} the probability {weight[row, column]}: "
                "return probabilities, 0 or more"
            )
        weight = np.where(weight.sum(axis=1, keepdims=True) > 0, weight, valid)
        return weight / np.maximum(weight.sum(axis=1, keepdims=True), np.finfo(np.float64).tiny)
