"""How strongly an agent explores as it learns: constant, or falling on a line or by a constant factor."""

from __future__ import annotations

import math
import numbers
from dataclasses import dataclass
from typing import Protocol


class Schedule(Protocol):
    """Strength of exploration after a number of decisions."""

    def value(self, step: int) -> float:
        """Return the value after `step` decisions."""
        ...


@dataclass(frozen=True)
class ConstantSchedule:
    """The same strength at every decision."""

    strength: float

    def __post_init__(self) -> None:
        """Refuse what is not a finite number."""
        _check_finite("strength", self.strength)

    def value(self, step: int) -> float:
        """Return the value after `step` decisions."""
        return self.strength


@dataclass(frozen=True)
class LinearSchedule:
    """From `start` to `end` over `steps` decisions, then `end`; `steps` of 0 is the constant `end`."""

    start: float
    end: float
    steps: int

    def __post_init__(self) -> None:
        """Refuse a negative duration, and ends that are not finite numbers."""
        _check_steps(self.steps)
        _check_finite("start", self.start)
        _check_finite("end", self.end)

    def value(self, step: int) -> float:
        """Return the value after `step` decisions."""
        if step >= self.steps:
            return self.end
        return self.start + (self.end - self.start) * step / self.steps


@dataclass(frozen=True)
class ExponentialSchedule:
    """start^(1 - step / steps) * end^(step / steps) until `steps` decisions, then `end`; both above 0."""

    start: float
    end: float
    steps: int

    def __post_init__(self) -> None:
        """Refuse a negative duration, and values that no factor leads to."""
        _check_steps(self.steps)
        for name, value in (("start", self.start), ("end", self.end)):
            _check_finite(name, value)
            if value <= 0.0:
                raise ValueError(f"{name} of an exponential schedule must be above 0, got {value!r}: use a linear one")

    def value(self, step: int) -> float:
        """Return the value after `step` decisions."""
        if step >= self.steps:
            return self.end
        return self.start * math.pow(self.end / self.start, step / self.steps)


def make_schedule(kind: str, start: float, end: float, steps: int) -> Schedule:
    """Return the schedule of that kind: "constant" (always `end`), "linear" or "exponential".

    Raises
    ------
    ValueError
        If there is no such kind.
    """
    if kind == "constant":
        return ConstantSchedule(end)
    if kind == "linear":
        return LinearSchedule(start, end, steps)
    if kind == "exponential":
        return ExponentialSchedule(start, end, steps)
    raise ValueError(f"schedule must be constant, linear or exponential, got {kind!r}")


def _check_steps(steps: int) -> None:
    _check_finite("steps", steps)
    if steps < 0:
        raise ValueError(f"steps of a schedule must be 0 or more, got {steps}")


def _check_finite(name: str, value: float) -> None:
    if not (isinstance(value, numbers.Real) and math.isfinite(value)):
        raise ValueError(f"{name} of a schedule must be a finite number, got {value!r}")
