"""Options of the learners from a log."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass


@dataclass(frozen=True)
class OfflineConfig:
    """How a policy is learned from logged feedback."""

    width: int = 64
    """Hidden units of each tower."""
    dims: int = 32
    """D, size of the product of the towers."""
    learning_rate: float = 1e-3
    """Of AdamW, for reward models and for policies."""
    weight_decay: float = 0.1
    """Decoupled, of the reward models."""
    batch_size: int = 1_024
    """Rows of a gradient step."""
    steps: int = 4_000
    """Gradient steps at most, of each model."""
    patience: int = 6
    """Measurements on held-out users without a gain, after which training stops."""
    held_out: float = 0.2
    """Share of the users that decide when to stop."""
    folds: int = 2
    """Of the cross-fit of reward models, by user."""
    caution: float = 1.0
    """Standard errors that are taken off the value, in the objective and on the held-out users."""
    effective_rows: float = 50.0
    """Rows that the held-out users must be worth for the policy: below, no standard error can be trusted."""
    clip: float = 100.0
    """Largest weight pi(a|x) / propensity; larger ones count as this."""

    def __post_init__(self) -> None:
        """Refuse values that cannot work, by name."""
        for item in dataclasses.fields(self):
            value = getattr(self, item.name)
            least = {"weight_decay": 0.0, "caution": 0.0, "effective_rows": 0.0, "folds": 2.0}.get(item.name, 1e-12)
            if not (math.isfinite(value) and value >= least):
                raise ValueError(
                    f"{item.name} must be {'above 0' if 0 < least < 1 else f'{least:g} or more'}, got {value!r}"
                )
        if self.held_out >= 1:
            raise ValueError(
                f"held_out must be below 1, the share of users that decide when to stop; got {self.held_out}"
            )
