"""How strongly an agent explores as it learns: constant, or falling on a line."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class LinearSchedule:
    """From `start` to `end` over `steps` decisions, then `end`; `steps` of 0 is the constant `end`."""

    start: float
    end: float
    steps: int

    def __post_init__(self) -> None:
        """Refuse a negative duration."""
        if self.steps < 0:
            raise ValueError(f"steps of a schedule must be 0 or more, got {self.steps}")

    def value(self, step: int) -> float:
        """Return the value after `step` decisions."""
        if step >= self.steps:
            return self.end
        return self.start + (self.end - self.start) * step / self.steps
