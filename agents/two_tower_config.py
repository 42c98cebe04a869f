"""Options of the two-tower bandits."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass


@dataclass(frozen=True)
class TwoTowerConfig:
    """How the two towers are built and trained."""

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
    learning_starts: int = 1_000
    """Rows before the first gradient step; until then scores are the item's log popularity."""

    def __post_init__(self) -> None:
        """Refuse values that cannot work, by name."""
        for item in dataclasses.fields(self):
            value = getattr(self, item.name)
            least = 0.0 if item.name in ("weight_decay", "learning_starts") else 1e-12
            if not (math.isfinite(value) and value >= least):
                raise ValueError(f"{item.name} must be {'0 or more' if least == 0.0 else 'above 0'}, got {value!r}")
