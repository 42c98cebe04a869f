"""Options of DQN."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass

from recenv.agents.exploration import EpsilonGreedy


@dataclass(frozen=True)
class DQNConfig:
    """How DQN is built and trained."""

    gamma: float = 0.5
    """Discount of the next step's value, in [0, 1)."""
    epsilon: float = 0.05
    """Share of decisions drawn uniformly when exploring, once `epsilon_steps` are done."""
    epsilon_start: float = 1.0
    """Share of decisions drawn uniformly at the start."""
    epsilon_steps: int = 10_000
    """User steps over which the share falls on a line."""
    width: int = 64
    """Hidden units of each tower."""
    dims: int = 32
    """D, size of the product of the towers."""
    learning_rate: float = 1e-3
    """Of Adam."""
    weight_decay: float = 0.1
    """Decoupled, of AdamW."""
    batch_size: int = 256
    """Rows of a gradient step."""
    replay_ratio: float = 8.0
    """How often a row of experience is used, on average."""
    replay_size: int = 100_000
    """Rows of experience kept."""
    learning_starts: int = 2_000
    """User steps before the first gradient step; scores are the item's log popularity until then."""
    target_every: int = 2_000
    """User steps between copies of the online network to the target network."""

    def __post_init__(self) -> None:
        """Refuse values that cannot work, by name."""
        EpsilonGreedy(self.epsilon), EpsilonGreedy(self.epsilon_start)
        if not 0.0 <= self.gamma < 1.0:
            raise ValueError(f"gamma must be in [0, 1), got {self.gamma!r}")
        zero = ("gamma", "epsilon", "epsilon_start", "epsilon_steps", "weight_decay")
        for item in dataclasses.fields(self):
            value = getattr(self, item.name)
            if not (math.isfinite(value) and (value > 0 or (value == 0 and item.name in zero))):
                raise ValueError(
                    f"{item.name} must be {'0 or more' if item.name in zero else 'above 0'}, got {value!r}"
                )
