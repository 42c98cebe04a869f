"""ScoreAgent: an agent that only needs `scores(request)`; masks, exploration, slates and probabilities come with it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from recenv.agents.exploration import EpsilonGreedy, Exploration, greedy_columns
from recenv.protocol import Decision, Feedback, Request


class ScoreAgent:
    """Base of agents that score candidates.

    A subclass has `scores(request) -> (B, C)`, and may set `exploration` and override `update`. A slate is drawn
    position after position without replacement; its probability is that of the ordered slate,
    prod_k p(a_k | a_1, ..., a_(k-1)), each factor renormalised on the items that are left.
    """

    exploration: Exploration = EpsilonGreedy(0.0)
    """How `act(explore=True)` departs from greedy."""

    def scores(self, request: Request) -> NDArray[np.floating]:
        """Return (B, C) a score for each candidate; what stands at -1 is ignored."""
        raise NotImplementedError(f"{type(self).__name__} needs scores(request) -> (B, C)")

    def probabilities(self, request: Request) -> NDArray[np.float64]:
        """Return (B, C) the probability of each candidate to be shown first when exploring."""
        return self.exploration.probabilities(self._checked_scores(request), request.candidates)

    def act(self, request: Request, *, rng: np.random.Generator, explore: bool = True) -> Decision:
        """Choose a slate for each of B users; greedy and with probability 1 where `explore` is False."""
        scores, left = self._checked_scores(request), request.candidates.copy()
        users = np.arange(len(left))
        items = np.full((len(left), request.slate_size), -1, np.int64)
        probability = np.ones(len(left))
        for position in range(request.slate_size):
            columns, chance = self._next(scores, left, rng, explore)
            items[:, position] = left[users, columns]
            probability *= chance
            left[users, columns] = -1
        return Decision(items, probability)

    def update(self, feedback: Feedback) -> dict[str, float]:
        """Learn nothing; a subclass that learns overrides it."""
        return {}

    def _next(
        self, scores: NDArray[np.floating], left: NDArray[np.int64], rng: np.random.Generator, explore: bool
    ) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """Return (B,) the chosen column and its probability; where nothing is left, an empty position is certain."""
        if not explore:
            return greedy_columns(scores, left), np.ones(len(left))
        probability = self.exploration.probabilities(scores, left)
        columns = draw_columns(probability, rng.random(len(left)))
        chance = probability[np.arange(len(left)), columns]
        return columns, np.where((left >= 0).any(axis=1), chance, 1.0)

    def _checked_scores(self, request: Request) -> NDArray[np.floating]:
        scores, candidates = np.asarray(self.scores(request)), request.candidates
        if scores.shape != candidates.shape:
            raise ValueError(
                f"{type(self).__name__}.scores must return one score a candidate, {candidates.shape}; "
                f"it returned {scores.shape}"
            )
        bad = ~np.isfinite(scores) & (candidates >= 0)
        if bad.any():
            row, column = np.argwhere(bad)[0]
            raise ValueError(
                f"{type(self).__name__}.scores gave {scores[row, column]} for item {candidates[row, column]} in row "
                f"{row}; scores must be finite: lower the learning rate, or look for NaN in the observation"
            )
        return scores


def draw_columns(probability: NDArray[np.float64], uniform: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return (B,) the column that each uniform number draws from its row of (B, C), by inversion."""
    cumulative = np.cumsum(probability, axis=1)
    total = cumulative[:, -1]
    # Rounding may lift uniform * total to total itself, past the last column.
    level = np.minimum(uniform * total, np.nextafter(total, 0.0))
    return (cumulative > level[:, None]).argmax(axis=1)
