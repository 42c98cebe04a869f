"""Options of the agents that climb the gradient of their own reward."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass


@dataclass(frozen=True)
class PolicyGradientConfig:
    """How policy and critic are built and trained."""

    gamma: float = 0.0
    """Discount of the next step's value, in [0, 1); 0 is a contextual bandit."""
    temperature: float = 0.1
    """Weight of the policy's entropy, in deviations of the reward: how much it explores."""
    weight_cap: float = 10.0
    """Highest importance weight of an item, new policy against the one that acted; capping trades variance for bias."""
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
    averaging: float = 0.99
    """Slates are drawn by the average of the parameters over about 1 / (1 - averaging) gradient steps."""
    batch_size: int = 256
    """Rows of a gradient step."""
    replay_ratio: float = 8.0
    """How often a row of experience is used, on average."""
    replay_size: int = 20_000
    """Rows of experience kept."""
    learning_starts: int = 200
    """Rows before the first gradient step; until then items are as likely as they are popular."""

    def __post_init__(self) -> None:
        """Refuse values that cannot work, by name."""
        if not 0.0 <= self.gamma < 1.0:
            raise ValueError(f"gamma must be in [0, 1), got {self.gamma!r}")
        if not 0.0 <= self.averaging < 1.0:
            raise ValueError(f"averaging must be in [0, 1), got {self.averaging!r}")
        zero = ("gamma", "weight_decay", "learning_starts", "averaging")
        for item in dataclasses.fields(self):
            value = getattr(self, item.name)
            if not (math.isfinite(value) and (value > 0 or (value == 0 and item.name in zero))):
                raise ValueError(
                    f"{item.name} must be {'0 or more' if item.name in zero else 'above 0'}, got {value!r}"
                )
