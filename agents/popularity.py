"""Popularity: the most-rated candidate for everybody. The baseline that a personalised agent must beat."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from recenv.agents.candidates import known_candidates
from recenv.agents.saving import read_agent, write_agent
from recenv.agents.scoring import ScoreAgent
from recenv.protocol import Catalogue, Request


class PopularityAgent(ScoreAgent):
    """The candidate with the most ratings in the log, of equals the lowest item id; it never explores.

    Parameters
    ----------
    catalogue
        Of the environment; its `popularity` is the score.
    seed, device
        Not used: nothing is drawn, and the score is a table.
    """

    name = "popularity"
    training_steps = 0

    def __init__(self, catalogue: Catalogue, *, seed: int = 0, device: str = "cpu") -> None:
        self.popularity = np.asarray(catalogue.popularity, np.float64)
        self.trained_on = catalogue.fingerprint

    def scores(self, request: Request) -> NDArray[np.float64]:
        """Return (B, C) the number of ratings of each candidate."""
        return self.popularity[known_candidates(request.candidates, len(self.popularity))]

    def save(self, path: str | Path) -> None:
        """Write the agent as a folder."""
        arrays = {"catalogue.popularity": self.popularity}
        write_agent(path, self.name, options={}, trained_on=self.trained_on, arrays=arrays)

    @classmethod
    def load(cls, path: str | Path) -> PopularityAgent:
        """Read a saved agent."""
        saved = read_agent(path, (cls.name,))
        agent = cls.__new__(cls)
        agent.popularity, agent.trained_on = saved.arrays["catalogue.popularity"], saved.trained_on
        return agent
