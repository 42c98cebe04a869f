"""Uniform: every candidate with the same probability. The log it leaves supports any other policy."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from recenv.agents.exploration import EpsilonGreedy
from recenv.agents.saving import read_agent, write_agent
from recenv.agents.scoring import ScoreAgent
from recenv.protocol import Catalogue, Decision, Request


class UniformAgent(ScoreAgent):
    """Each candidate has probability 1 / (number of candidates), exploring or not.

    Parameters
    ----------
    catalogue
        Of the environment; only its fingerprint is kept.
    seed, device
        Not used: there is nothing to draw and nothing to compute.
    """

    name = "uniform"
    exploration = EpsilonGreedy(1.0)
    training_steps = 0

    def __init__(self, catalogue: Catalogue, *, seed: int = 0, device: str = "cpu") -> None:
        self.trained_on = catalogue.fingerprint

    def scores(self, request: Request) -> NDArray[np.float64]:
        """Return (B, C) zeros: no candidate is better than another."""
        return np.zeros(request.candidates.shape)

    def act(self, request: Request, *, rng: np.random.Generator, explore: bool = True) -> Decision:
        """Draw a slate for each of B users; `explore` changes nothing, since there is nothing to exploit."""
        return super().act(request, rng=rng, explore=True)

    def save(self, path: str | Path) -> None:
        """Write the agent as a folder."""
        write_agent(path, self.name, options={}, trained_on=self.trained_on)

    @classmethod
    def load(cls, path: str | Path) -> UniformAgent:
        """Read a saved agent."""
        agent = cls.__new__(cls)
        agent.trained_on = read_agent(path, (cls.name,)).trained_on
        return agent
