"""Best fixed ranking: the item with the best mean reward so far, for everybody. What personalisation has to beat."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recenv.agents.candidates import known_candidates
from recenv.agents.exploration import EpsilonGreedy
from recenv.agents.saving import read_agent, write_agent
from recenv.agents.scoring import ScoreAgent
from recenv.protocol import Catalogue, Feedback, Request


class BestFixedAgent(ScoreAgent):
    """One ranking for all users: the mean reward of each item, shrunk towards the mean of all.

        mean(a) = (sum of rewards of a + prior * mean of all rewards) / (number of a + prior)

    Of equal means the item with more ratings in the catalogue comes first, so that it starts as `popularity`. A
    slate's reward is shared alike by its items. Means are as shown, not corrected for whom an item was shown to.

    Parameters
    ----------
    catalogue
        Of the environment.
    seed, device
        Not used: nothing is drawn, and the score is a table.
    epsilon
        Share of decisions drawn uniformly, in [0, 1].
    prior
        In rewards: how many it takes to move an item half way from the mean of all to its own, at least 0.
    """

    name = "best_fixed"
    training_steps = 100_000

    def __init__(
        self, catalogue: Catalogue, *, seed: int = 0, device: str = "cpu", epsilon: float = 0.05, prior: float = 10.0
    ) -> None:
        if not 0.0 <= prior < np.inf:
            raise ValueError(f"prior must be 0 or more rewards, got {prior!r}")
        self.exploration = EpsilonGreedy(epsilon)
        self.options = {"epsilon": epsilon, "prior": prior}
        self.popularity = np.asarray(catalogue.popularity, np.float64)
        self.trained_on = catalogue.fingerprint
        self.total, self.count = np.zeros(catalogue.n_items), np.zeros(catalogue.n_items)

    def scores(self, request: Request) -> NDArray[np.float64]:
        """Return (B, C) the place of each candidate in the one ranking, the best has the highest."""
        return self._places()[known_candidates(request.candidates, len(self.total))]

    def _places(self) -> NDArray[np.float64]:
        overall = self.total.sum() / max(self.count.sum(), 1.0)
        prior = self.options["prior"]
        weight = np.maximum(self.count + prior, np.finfo(np.float64).tiny)
        mean = np.where(self.count + prior > 0, (self.total + prior * overall) / weight, overall)
        # Rounding must not rank items whose means are equal.
        order = np.lexsort((-np.arange(len(mean)), self.popularity, np.round(mean, 12)))
        places = np.empty(len(order))
        places[order] = np.arange(len(order))
        return places

    def update(self, feedback: Feedback) -> dict[str, float]:
        """Add the rewards to the sums of the items shown."""
        self._add(np.asarray(feedback.decision.items), np.asarray(feedback.reward, np.float64))
        return {}

    def fit(self, log: Any) -> dict[str, float]:
        """Add the rewards of a `LoggedFeedback`."""
        self._add(np.asarray(log.item)[:, None], np.asarray(log.reward, np.float64))
        return {"rows": float(len(log.item))}

    def _add(self, items: NDArray[np.integer], reward: NDArray[np.float64]) -> None:
        shown = items >= 0
        share = np.broadcast_to((reward / np.maximum(shown.sum(axis=1), 1))[:, None], items.shape)
        self.total += np.bincount(items[shown], share[shown], len(self.total))
        self.count += np.bincount(items[shown], minlength=len(self.count))

    def save(self, path: str | Path) -> None:
        """Write the agent as a folder."""
        arrays = {"catalogue.popularity": self.popularity, "total": self.total, "count": self.count}
        write_agent(path, self.name, options=self.options, trained_on=self.trained_on, arrays=arrays)

    @classmethod
    def load(cls, path: str | Path) -> BestFixedAgent:
        """Read a saved agent."""
        saved = read_agent(path, (cls.name,))
        popularity = saved.arrays["catalogue.popularity"]
        catalogue = Catalogue(np.zeros((len(popularity), 0), np.float32), popularity, 0, fingerprint=saved.trained_on)
        agent = cls(catalogue, **saved.options)
        agent.total, agent.count = saved.arrays["total"], saved.arrays["count"]
        return agent
