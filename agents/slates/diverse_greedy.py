"""Greedy with diversity: maximal marginal relevance (Carbonell and Goldstein 1998, `carbonell1998mmr`).

A slate is filled from the top; the next item is the candidate with the largest

    (1 - diversity) * z(i) - diversity * max_(j shown above) cos(x_i, x_j)

z: predicted reward, standardised over the candidates of the request; x: visible item features, standardised. The first
item is the most relevant one, so that with one item a step nothing is given up for diversity.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from recenv.agents.candidates import known_candidates
from recenv.agents.exploration import Exploration
from recenv.agents.finding import load_agent, make_agent
from recenv.agents.saving import read_agent, write_agent
from recenv.agents.scoring import ScoreAgent
from recenv.protocol import Catalogue, Decision, Feedback, Request


class DiverseGreedyAgent(ScoreAgent):
    """Re-ranks by diversity what another agent scores and learns; made by `diverse_greedy_agent`.

    Parameters
    ----------
    relevance
        The agent that scores; its exploration (epsilon-greedy) is used at each position.
    features
        (N, Q) visible item features.
    diversity
        Weight of being unlike the items above, in [0, 1).
    """

    name = "diverse_greedy"

    def __init__(self, relevance: ScoreAgent, features: NDArray[np.floating], diversity: float) -> None:
        if not 0.0 <= diversity < 1.0:
            raise ValueError(f"diversity must be in [0, 1), got {diversity!r}: 0 ranks by relevance alone")
        self.relevance, self.diversity = relevance, diversity
        self.features = np.asarray(features, np.float32)
        self.directions = _directions(self.features)
        self.training_steps = getattr(relevance, "training_steps", 0)

    @property
    def trained_on(self) -> tuple[int, ...]:
        """Fingerprint of the user-item pairs that the catalogue was made from."""
        return getattr(self.relevance, "trained_on", ())

    @property
    def exploration(self) -> Exploration:
        """Exploration of the relevance at this point of training, at each position."""
        return self.relevance.exploration

    @property
    def explain(self) -> Any:
        """The explanation of the relevance, where its agent has one; what diversity takes off is not in it."""
        return cast(Any, self.relevance).explain

    def scores(self, request: Request) -> NDArray[np.float64]:
        """Return (B, C) weighted standardised relevance: what counts at the first position."""
        valid = known_candidates(request.candidates, len(self.features)) >= 0
        score = np.where(valid, self.relevance.scores(request), 0.0).astype(np.float64)
        count = np.maximum(valid.sum(axis=1, keepdims=True), 1)
        centred = np.where(valid, score - score.sum(axis=1, keepdims=True) / count, 0.0)
        deviation = np.sqrt((centred**2).sum(axis=1, keepdims=True) / count)
        return (1.0 - self.diversity) * centred / np.where(deviation > 0, deviation, 1.0)

    def act(self, request: Request, *, rng: np.random.Generator, explore: bool = True) -> Decision:
        """Fill the slate of each of B users from the top; the probability is that of the ordered slate."""
        scores, left = self._checked_scores(request), request.candidates.copy()
        users = np.arange(len(left))
        likeness = np.full(left.shape, -1.0)
        items = np.full((len(left), request.slate_size), -1, np.int64)
        probability = np.ones(len(left))
        for position in range(request.slate_size):
            columns, chance = self._next(scores - self.diversity * likeness, left, rng, explore)
            items[:, position] = left[users, columns]
            probability *= chance
            left[users, columns] = -1
            likeness = np.maximum(likeness, self._likeness(request.candidates, items[:, position]))
        return Decision(items, probability)

    def next_probabilities(self, request: Request, shown: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return (B, C) the probabilities of the item below those shown (B, k), which sum to 1 over those left."""
        scores, left = self._checked_scores(request), request.candidates.copy()
        likeness = np.full(left.shape, -1.0)
        for item in shown.T:
            left[request.candidates == item[:, None]] = -1
            likeness = np.maximum(likeness, self._likeness(request.candidates, item))
        return self.exploration.probabilities(scores - self.diversity * likeness, left)

    def _likeness(self, candidates: NDArray[np.int64], item: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return (B, C) the cosine of each candidate to the item (B,) just shown; -1, the lowest, to an empty one."""
        cosine = self.directions[np.maximum(item, 0)] @ self.directions.T
        chosen = np.take_along_axis(cosine, np.maximum(candidates, 0), axis=1).astype(np.float64)
        return np.where(item[:, None] >= 0, chosen, -1.0)

    def update(self, feedback: Feedback) -> dict[str, float]:
        """Let the relevance learn."""
        return self.relevance.update(feedback)

    def save(self, path: str | Path) -> None:
        """Write the agent as a folder, the agent that scores in a folder `relevance` inside it."""
        options, arrays = {"diversity": self.diversity}, {"catalogue.features": self.features}
        write_agent(path, self.name, options=options, trained_on=self.trained_on, arrays=arrays)
        cast(Any, self.relevance).save(Path(path) / "relevance")

    @classmethod
    def load(cls, path: str | Path, *, device: str = "cpu") -> DiverseGreedyAgent:
        """Read a saved agent; it goes on bit for bit where it was saved (on the same kind of device)."""
        saved = read_agent(path, (cls.name,))
        relevance = cast(ScoreAgent, load_agent(Path(path) / "relevance", device=device))
        return cls(relevance, saved.arrays["catalogue.features"], saved.options["diversity"])


def diverse_greedy_agent(
    catalogue: Catalogue,
    *,
    seed: int = 0,
    device: str = "cpu",
    diversity: float = 0.2,
    relevance: str = "slateq",
    **options: Any,
) -> DiverseGreedyAgent:
    """Return an agent that re-ranks another one's slates by diversity.

    Parameters
    ----------
    diversity
        Weight of being unlike the items above, in [0, 1); 0 ranks by relevance alone.
    relevance
        Registered name (or class) of an agent that scores, such as "epsilon_greedy" or "slateq".
    options
        Options of that agent.

    Raises
    ------
    TypeError
        If that agent does not score, or does not take an option.
    """
    scorer = make_agent(relevance, catalogue, seed=seed, device=device, **options)
    if not isinstance(scorer, ScoreAgent):
        raise TypeError(f"relevance must be an agent that scores, got {relevance!r}: use epsilon_greedy or slateq")
    return DiverseGreedyAgent(scorer, catalogue.features, diversity)


def _directions(features: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return (N, Q) standardised features of length 1; 0 where an item is average in everything."""
    spread = features.std(axis=0)
    scaled = (features - features.mean(axis=0)) / np.where(spread > 0, spread, 1.0)
    length = np.linalg.norm(scaled, axis=1, keepdims=True)
    return (scaled / np.where(length > 0, length, 1.0)).astype(np.float32)
