"""Options of SlateQ."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass

from recenv.agents.exploration import EpsilonGreedy

TARGETS = ("q_learning", "sarsa")
OPTIMISERS = ("exact", "top_k")


@dataclass(frozen=True)
class SlateQConfig:
    """How SlateQ is built and trained."""

    gamma: float = 0.5
    """Discount of the next step's value, in [0, 1); 0 is the myopic agent."""
    target: str = "q_learning"
    """"q_learning": the next slate is the greedy one; "sarsa": it is drawn as when exploring."""
    optimiser: str = "exact"
    """"exact": the slate of the highest value; "top_k": items by choice weight times value, which is quicker."""
    epsilon: float = 0.05
    """Share of positions drawn uniformly when exploring, once `epsilon_steps` are done."""
    epsilon_start: float = 0.3
    """Share of positions drawn uniformly at the start."""
    epsilon_steps: int = 1_000
    """User steps over which the share falls on a line."""
    width: int = 64
    """Hidden units of each tower."""
    dims: int = 32
    """D, size of the product of the towers."""
    interaction: float = 0.001
    """How fast what differs between users is learned, against what they have in common; see `ShrunkTowers`."""
    own: float = 0.03
    """How fast what an item's features do not tell is learned."""
    learning_rate: float = 1e-3
    """Of Adam."""
    weight_decay: float = 0.1
    """Decoupled, of AdamW."""
    batch_size: int = 256
    """Rows of a gradient step."""
    replay_ratio: float = 8.0
    """How often a row of experience is used, on average."""
    replay_size: int = 50_000
    """Rows of experience kept."""
    learning_starts: int = 200
    """Rows before the first gradient step; scores are the item's log popularity until then."""
    averaging: float = 0.99
    """The slates shown, and the value of what comes next, are those of the average of the parameters over about
    1 / (1 - averaging) gradient steps."""

    def __post_init__(self) -> None:
        """Refuse values that cannot work, by name."""
        EpsilonGreedy(self.epsilon), EpsilonGreedy(self.epsilon_start)
        if not 0.0 <= self.gamma < 1.0:
            raise ValueError(f"gamma must be in [0, 1), got {self.gamma!r}")
        if not 0.0 <= self.averaging < 1.0:
            raise ValueError(f"averaging must be in [0, 1), got {self.averaging!r}")
        for name, valid in (("target", TARGETS), ("optimiser", OPTIMISERS)):
            if getattr(self, name) not in valid:
                raise ValueError(f"{name} must be one of {', '.join(valid)}, got {getattr(self, name)!r}")
        zero = ("gamma", "epsilon", "epsilon_start", "epsilon_steps", "weight_decay", "learning_starts", "averaging")
        for item in dataclasses.fields(self):
            value = getattr(self, item.name)
            if isinstance(value, str):
                continue
            if not (math.isfinite(value) and (value > 0 or (value == 0 and item.name in zero))):
                raise ValueError(
                    f"{item.name} must be {'0 or more' if item.name in zero else 'above 0'}, got {value!r}"
                )
