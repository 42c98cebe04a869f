"""From posterior means and deviations to decisions: what all agents that explore by their uncertainty share."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from recenv.agents.exploration import EpsilonGreedy, Exploration
from recenv.agents.scoring import ScoreAgent
from recenv.compiled import compiled
from recenv.protocol import Decision, Request


class Scored(ScoreAgent):
    """Scores that are there already, with a way to explore."""

    def __init__(self, scores: NDArray[np.float64], exploration: Exploration) -> None:
        self._scores, self.exploration = scores, exploration

    def scores(self, request: Request) -> NDArray[np.float64]:
        """Return (B, C) the scores."""
        return self._scores


class Greedy(Scored):
    """The highest of scores that are there already, found in one pass: what an agent that never draws is made of."""

    def __init__(self, scores: NDArray[np.float64]) -> None:
        super().__init__(scores, EpsilonGreedy(0.0))

    def _next(
        self, scores: NDArray[np.floating], left: NDArray[np.int64], rng: np.random.Generator, explore: bool
    ) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        return _highest(scores, left), np.ones(len(left))


@compiled
def _highest(scores, candidates):  # type: ignore[no-untyped-def]
    """Return (B,) the column of the highest score, of equals the lowest item id, as `greedy_columns` does."""
    columns = np.zeros(len(scores), np.int64)  # pragma: no cover - compiled
    for b in range(scores.shape[0]):
        best, item = -np.inf, np.int64(-1)
        for c in range(scores.shape[1]):
            here = candidates[b, c]
            if here >= 0 and (item < 0 or scores[b, c] > best or (scores[b, c] == best and here < item)):
                best, item, columns[b] = scores[b, c], here, c
    return columns


class PosteriorScores:
    """Base of agents with a posterior: one has `moments`, and `exploring` says how it explores by them."""

    def moments(self, request: Request) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return (B, C) posterior mean and deviation of each candidate's expected reward."""
        raise NotImplementedError(f"{type(self).__name__} needs moments(request) -> mean and deviation (B, C)")

    def exploring_moments(self, request: Request) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return (B, C) the mean and deviation to explore by: the posterior's, unless a subclass is more careful."""
        return self.moments(request)

    def exploring(self, mean: NDArray[np.float64], deviation: NDArray[np.float64]) -> Scored:
        """Return the scores and exploration that posterior means and deviations (B, C) lead to."""
        raise NotImplementedError(f"{type(self).__name__} needs exploring(mean, deviation)")

    def scores(self, request: Request) -> NDArray[np.float64]:
        """Return (B, C) what the exploring agent ranks by."""
        return np.asarray(self.exploring(*self.exploring_moments(request)).scores(request), np.float64)

    def probabilities(self, request: Request) -> NDArray[np.float64]:
        """Return (B, C) the probability of each candidate to be shown first when exploring."""
        return self.exploring(*self.exploring_moments(request)).probabilities(request)

    def act(self, request: Request, *, rng: np.random.Generator, explore: bool = True) -> Decision:
        """Choose a slate for each of B users; the highest posterior means where `explore` is False."""
        scored = self.exploring(*self.exploring_moments(request)) if explore else Greedy(self.moments(request)[0])
        return scored.act(request, rng=rng, explore=explore)
