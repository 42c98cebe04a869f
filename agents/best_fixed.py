"""Best fixed ranking: the item with the best mean reward so far, for everybody. What personalisation has to beat."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recenv.agents.candidates import known_candidates
from recenv.agents.consumed import consumed_positions
from recenv.agents.exploration import EpsilonGreedy
from recenv.agents.item_means import ItemMeans
from recenv.agents.saving import read_agent, write_agent
from recenv.agents.scoring import ScoreAgent
from recenv.protocol import Catalogue, Feedback, Request


class BestFixedAgent(ScoreAgent):
    """One ranking for all users, by what each item earns on the average (see `recenv.agents.item_means`).

    A slate's reward belongs alike to the items that the user consumed, to all where nobody tells. Of equal means the
    item with more ratings in the catalogue comes first, so that it starts as `popularity`. Means are not corrected for
    whom an item was shown to.

    Parameters
    ----------
    catalogue
        Of the environment.
    seed, device
        Not used: nothing is drawn, and the score is a table.
    epsilon
        Share of decisions drawn uniformly, in [0, 1].
    prior
        How many showings it takes to move an item half way from what items of its popularity earn to its own mean, at
        least 0; None estimates it.
    """

    name = "best_fixed"
    training_steps = 100_000

    def __init__(
        self,
        catalogue: Catalogue,
        *,
        seed: int = 0,
        device: str = "cpu",
        epsilon: float = 0.05,
        prior: float | None = None,
    ) -> None:
        if prior is not None and not 0.0 <= prior < np.inf:
            raise ValueError(f"prior must be 0 or more showings, or None to estimate it, got {prior!r}")
        self.exploration = EpsilonGreedy(epsilon)
        self.options = {"epsilon": epsilon, "prior": prior}
        self.popularity = np.asarray(catalogue.popularity, np.float64)
        self.trained_on = catalogue.fingerprint
        self.sums = ItemMeans(self.popularity, prior)
        self._places: NDArray[np.float64] | None = None

    def scores(self, request: Request) -> NDArray[np.float64]:
        """Return (B, C) the place of each candidate in the one ranking, the best has the highest."""
        candidates = known_candidates(request.candidates, len(self.popularity))
        if self._places is None:
            # Rounding must not rank items whose means are equal.
            mean = np.round(self.sums.means(), 12)
            order = np.lexsort((-np.arange(len(mean)), self.popularity, mean))
            self._places = np.argsort(order).astype(np.float64)
        return self._places[candidates]

    def update(self, feedback: Feedback) -> dict[str, float]:
        """Add the rewards to the sums of the items shown."""
        items = np.asarray(feedback.decision.items)
        took = consumed_positions(items, feedback.outcome)
        share = np.asarray(feedback.reward, np.float64) / np.maximum(took.sum(axis=1), 1)
        row, position = np.nonzero(items >= 0)
        self._add(items[row, position], position, (took * share[:, None])[row, position])
        return {}

    def fit(self, log: Any) -> dict[str, float]:
        """Add the rewards of a `LoggedFeedback`."""
        self._add(np.asarray(log.item), np.asarray(log.position), np.asarray(log.reward, np.float64))
        return {"rows": float(len(log.item))}

    def _add(self, items: NDArray[np.integer], position: NDArray[np.integer], reward: NDArray[np.float64]) -> None:
        self.sums.add(items, position, reward)
        self._places = None

    def save(self, path: str | Path) -> None:
        """Write the agent as a folder."""
        arrays = {"catalogue.popularity": self.popularity, **self.sums.arrays()}
        write_agent(path, self.name, options=self.options, trained_on=self.trained_on, arrays=arrays)

    @classmethod
    def load(cls, path: str | Path) -> BestFixedAgent:
        """Read a saved agent."""
        saved = read_agent(path, (cls.name,))
        popularity = saved.arrays["catalogue.popularity"]
        catalogue = Catalogue(np.zeros((len(popularity), 0), np.float32), popularity, 0, fingerprint=saved.trained_on)
        agent = cls(catalogue, **saved.options)
        agent.sums.restore(saved.arrays)
        return agent
