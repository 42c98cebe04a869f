"""From scores to probabilities: epsilon-greedy and softmax, exact.

Both renormalise on the candidates that are there, so that a slate is drawn position after position without
replacement. The greedy item is the one with the highest score, of equals the one with the lowest item id.
"""

from __future__ import annotations

import math
import numbers
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray


class Exploration(Protocol):
    """What turns scores into the probabilities of the next item."""

    def probabilities(self, scores: NDArray[np.floating], candidates: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return (B, C) that sum to 1 over each row's candidates; 0 where the candidate is -1."""
        ...


@dataclass(frozen=True)
class EpsilonGreedy:
    """Uniform with probability epsilon, else the greedy item: p(a) = epsilon / n + (1 - epsilon) [a is greedy]."""

    epsilon: float = 0.1

    def __post_init__(self) -> None:
        """Refuse what is not a probability."""
        if not (isinstance(self.epsilon, numbers.Real) and 0.0 <= self.epsilon <= 1.0):
            raise ValueError(f"epsilon must be in [0, 1], got {self.epsilon!r}")

    def probabilities(self, scores: NDArray[np.floating], candidates: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return (B, C) probabilities of the next item."""
        valid = candidates >= 0
        share = self.epsilon / np.maximum(valid.sum(axis=1), 1)
        probability = np.where(valid, share[:, None], 0.0)
        rows = np.flatnonzero(valid.any(axis=1))
        probability[rows, greedy_columns(scores, candidates)[rows]] += 1.0 - self.epsilon
        return probability


@dataclass(frozen=True)
class Softmax:
    """p(a) proportional to exp(score / temperature); the temperature is in units of the score."""

    temperature: float = 1.0

    def __post_init__(self) -> None:
        """Refuse a temperature that is not positive."""
        if not (isinstance(self.temperature, numbers.Real) and 0.0 < self.temperature < math.inf):
            raise ValueError(f"temperature must be above 0, got {self.temperature!r}; greedy is EpsilonGreedy(0.0)")

    def probabilities(self, scores: NDArray[np.floating], candidates: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return (B, C) probabilities of the next item."""
        logits = np.where(candidates >= 0, scores.astype(np.float64) / self.temperature, -np.inf)
        highest = logits.max(axis=1, keepdims=True, initial=-np.inf)
        weight = np.exp(logits - np.where(np.isfinite(highest), highest, 0.0))
        return weight / np.maximum(weight.sum(axis=1, keepdims=True), np.finfo(np.float64).tiny)


def greedy_columns(scores: NDArray[np.floating], candidates: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return (B,) the column of the highest score, of equals the lowest item id; rows without candidates give any."""
    masked = np.where(candidates >= 0, scores, -np.inf)
    best = (masked == masked.max(axis=1, keepdims=True, initial=-np.inf)) & (candidates >= 0)
    return np.where(best, candidates, np.iinfo(np.int64).max).argmin(axis=1)
