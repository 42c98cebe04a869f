"""Options of the neural agents."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass


@dataclass(frozen=True)
class NeuralConfig:
    """How rewards are predicted, and how the prediction is learned."""

    scorer: str = "mlp"
    """linear, mlp, two_tower, autoencoder or transformer."""
    width: int = 256
    """Hidden units."""
    dims: int = 32
    """D, size of the vector of an item's own, and of products of towers."""
    user_code: int = 0
    """Numbers of the fixed random code of the user's id that is part of the state; 0 knows no user by id. Users who are
    not named have a code of 0."""
    memory: int = 32
    """H, items kept a user id, for a scorer that reads a history where the observation has none."""
    learning_rate: float = 3e-3
    """Of Adam."""
    weight_decay: float = 0.1
    """Decoupled, of AdamW."""
    averaging: float = 0.97
    """Decisions use the average of the parameters over about 1 / (1 - averaging) steps."""
    batch_size: int = 512
    """Rows of a gradient step."""
    replay_ratio: float = 60.0
    """How often a row of experience is used, on average."""
    replay_size: int = 100_000
    """Rows of experience kept."""
    learning_starts: int = 100
    """Rows before the first gradient step; until then scores are the item's log popularity."""

    def __post_init__(self) -> None:
        """Refuse values that cannot work, by name."""
        for item in dataclasses.fields(self):
            value = getattr(self, item.name)
            if item.name == "scorer":
                continue
            least = 0.0 if item.name in ("weight_decay", "learning_starts", "user_code", "averaging") else 1e-12
            if not (math.isfinite(value) and value >= least):
                raise ValueError(f"{item.name} must be {'0 or more' if least == 0.0 else 'above 0'}, got {value!r}")
        if self.averaging >= 1.0:
            raise ValueError(f"averaging must be below 1, got {self.averaging!r}")
