"""What LinUCB, linear Thompson sampling and linear SquareCB have in common: one posterior, three ways to explore."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from recenv.agents.candidates import known_candidates
from recenv.agents.consumed import consumed_positions
from recenv.agents.linear.joint_features import item_features, state_features
from recenv.agents.linear.posterior import LinearPosterior
from recenv.agents.linear.posterior_scores import PosteriorScores
from recenv.agents.saving import catalogue_arrays, read_agent, saved_catalogue, write_agent
from recenv.protocol import Catalogue, Decision, Feedback, Request


class Contributions(NamedTuple):
    """Why a linear agent chose what it chose: the parts add up to the score."""

    items: NDArray[np.int64]
    """(B, K) the decision; parts of empty positions are NaN."""
    score: NDArray[np.float64]
    """(B, K) what was maximised: intercept + sum of features + bonus, in units of the reward."""
    intercept: NDArray[np.float64]
    """(B, K) the item's own level."""
    features: NDArray[np.float64]
    """(B, K, O) each column of the flat observation times its weight for the item."""
    bonus: NDArray[np.float64]
    """(B, K) what uncertainty adds to the score; 0 where the agent adds nothing."""


@dataclass(frozen=True)
class LinearConfig:
    """How the posterior of a linear agent is made."""

    components: int = 4
    """Principal components of the item features that the shared part sees."""
    item_prior: float = 0.4
    """Average observations that the prior of an item's own weights is worth."""
    shared_prior: float = 0.4
    """Average observations that the prior of the weights that items share is worth."""
    noise_pooling: float = 1_000.0
    """Observations that the noise of all items together is worth to an item's own noise."""
    forgetting: float = 1.0
    """Factor on what is known of an item at each of its observations; below 1 it follows a drift."""
    caution: float = 5.0
    """Observations of an item up to which, in exploring, its noise may be as large as the mean square of the reward; at
    0 items that were never shown are taken to be like the others."""

    def __post_init__(self) -> None:
        """Refuse a caution that is negative or not finite; the posterior checks the others."""
        if not (math.isfinite(self.caution) and self.caution >= 0.0):
            raise ValueError(f"caution must be 0 or more, got {self.caution!r}")


class LinearAgent(PosteriorScores):
    """Base of agents that score by the posterior of a linear reward; a subclass says how to explore.

    The reward of a slate is taken for the sum of what its items earned; what the posterior does not explain is shared
    among the items that the user took. `act(explore=False)` shows the highest posterior mean. `moments` is the
    posterior; exploring goes by `exploring_moments`, in which items that were hardly shown may be noisier than others.
    """

    name: ClassVar[str]
    training_steps = 200_000
    """User steps that it is trained for by default."""

    def __init__(self, catalogue: Catalogue, config: LinearConfig, options: dict[str, Any]) -> None:
        self.catalogue, self.config, self.options = catalogue, config, options
        fields = {
            key: value for key, value in dataclasses.asdict(config).items() if key not in ("components", "caution")
        }
        items = item_features(catalogue, config.components)
        self.posterior = LinearPosterior(items, catalogue.observation_size + 1, **fields)

    @property
    def trained_on(self) -> tuple[int, ...]:
        """Fingerprint of the user-item pairs that the catalogue was made from."""
        return self.catalogue.fingerprint

    def moments(self, request: Request) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return (B, C) posterior mean and deviation of each candidate's expected reward."""
        return self._moments(request, request.candidates, 0.0)

    def exploring_moments(self, request: Request) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return (B, C) the same, items that are little known taken to be noisier by `caution`."""
        return self._moments(request, request.candidates, self.config.caution)

    def _moments(
        self, request: Request, items: NDArray[np.int64], caution: float
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        states = state_features(request.observation, self.catalogue.observation_size)
        return self.posterior.moments(states, known_candidates(items, self.catalogue.n_items), caution)

    def update(self, feedback: Feedback) -> dict[str, float]:
        """Learn from feedback, late or not, and return the root mean square of what was not expected."""
        states = state_features(feedback.request.observation, self.catalogue.observation_size)
        items = known_candidates(np.asarray(feedback.decision.items), self.catalogue.n_items)
        earned = np.asarray(feedback.reward, np.float64)[:, None]
        if items.shape[1] > 1:
            expected = self.posterior.moments(states, items)[0]
            earned = slate_credit(expected, earned[:, 0], _taken(items, feedback))
        rows, places = np.nonzero(items >= 0)
        if not len(rows):
            return {}
        return {"error": self.posterior.add(items[rows, places], states[rows], earned[rows, places])}

    def explain(self, request: Request, decision: Decision) -> Contributions:
        """Return what each column of the observation added to the score of the shown items."""
        items = known_candidates(np.asarray(decision.items), self.catalogue.n_items)
        states = state_features(request.observation, self.catalogue.observation_size)
        gap = np.where(items >= 0, 0.0, np.nan)
        parts = self.posterior.mean[items] * states[:, None] + gap[:, :, None]
        mean, deviation = self._moments(request, items, self.config.caution)
        bonus = self.exploring(mean, deviation).scores(request) - mean + gap
        return Contributions(items, parts.sum(axis=2) + bonus, parts[:, :, 0], parts[:, :, 1:], bonus)

    def save(self, path: str | Path) -> None:
        """Write the agent as a folder: the posterior and the sums it comes from."""
        state = {"observation_size": self.catalogue.observation_size}
        arrays = {**catalogue_arrays(self.catalogue), **self.posterior.arrays("posterior.")}
        write_agent(path, self.name, options=self.options, trained_on=self.trained_on, state=state, arrays=arrays)

    @classmethod
    def load(cls, path: str | Path, *, device: str = "cpu") -> Self:
        """Read a saved agent; it goes on bit for bit where it was saved."""
        saved = read_agent(path, (cls.name,))
        agent = cls(saved_catalogue(saved), device=device, **saved.options)  # type: ignore[call-arg]
        agent.posterior.restore(saved.arrays, "posterior.")
        return agent


def slate_credit(
    expected: NDArray[np.float64], reward: NDArray[np.float64], took: NDArray[np.bool_]
) -> NDArray[np.float64]:
    """Return (B, K) what each item of a slate earned; the credits of a row sum to its reward.

        credit_i = took_i (expected_i + (reward - sum_j took_j expected_j) / sum_j took_j)

    Parameters
    ----------
    expected
        (B, K) expected reward of each item.
    reward
        (B,) of the slate.
    took
        (B, K) which items the user took.
    """
    known = np.where(took, expected, 0.0)
    share = (reward - known.sum(axis=1)) / np.maximum(took.sum(axis=1), 1)
    return np.where(took, known + share[:, None], 0.0)


def _taken(items: NDArray[np.int64], feedback: Feedback) -> NDArray[np.bool_]:
    """Return (B, K) which shown items the user consumed; where none was, or nobody tells, all shown."""
    consumed = consumed_positions(items, feedback.outcome)
    return np.where(consumed.any(axis=1, keepdims=True), consumed, items >= 0)
