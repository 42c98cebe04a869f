"""Behaviour: the strength of every mechanism, 0 when it is switched off."""

from __future__ import annotations

import dataclasses
import difflib
import functools
import math
from collections.abc import Callable
from dataclasses import dataclass
from numbers import Real
from typing import Any

import numpy as np
from numpy.typing import NDArray

CHOICES = ("position", "cascade", "multinomial")

DIALS = np.dtype(
    [
        (name, np.float64)
        for name in (
            "attract", "conformity", "exposure", "coupling", "noise_correlation", "funnel", "eta", "tau_click",
            "tau_buy", "discovery", "organic_rate", "boredom", "rho", "drift", "adapt", "confounding", "phi", "leaving",
            "h0", "h1", "choice", "fixed_mood", "fixed_trust", "fixed_satiation",
        )
    ]
)  # fmt: skip
"""What the compiled equations read: `Behaviour` and the interventions on nodes (NaN = not set), as one record."""


@dataclass(frozen=True)
class Behaviour:
    """Mechanism strengths of a world; a ratings log identifies none of the defaults, they are assumptions."""

    attract: float = 1.0
    """Weight of the affinity in attraction."""
    conformity: float = 0.3
    """Weight of popularity in attraction, per standard deviation of log popularity."""
    exposure: float = 0.5
    """Attraction added by being shown."""
    coupling: float = 0.5
    """Copula correlation of click noise and opinion noise, in [-1, 1]; less than 1 lets clickbait exist."""
    noise_correlation: float = 0.0
    """Share of the opinion noise that all items of a user have in common, in [0, 1)."""
    funnel: float = 0.0
    """1: only clicked items are consumed; 0: every shown item is (pure rating logs)."""
    eta: float = 1.0
    """Steepness of examination over positions: (1 / (k + 1)) ** eta."""
    tau_click: float = 0.0
    """Attraction above which an examined item is clicked."""
    tau_buy: float = 1.5
    """Attraction above which a clicked item is bought, at least tau_click."""
    discovery: float = 0.2
    """Scale of the probability that a user finds an item without a recommendation, in [0, 1]."""
    organic_rate: float = 0.0
    """Probability that the user comes across an item beside those shown, a step, and may consume it; in [0, 1]."""
    boredom: float = 1.5
    """Satisfaction lost per unit of satiation with the item's topics."""
    rho: float = 0.8
    """Memory of satiation from step to step, in [0, 1]."""
    drift: float = 0.02
    """How far a liked item turns the taste, in [0, 1)."""
    adapt: float = 0.1
    """How fast trust follows what was felt, in [0, 1]."""
    confounding: float = 0.5
    """Effect of the hidden mood on satisfaction."""
    phi: float = 0.9
    """Memory of the mood from step to step, in [0, 1]."""
    leaving: float = 1.0
    """Scale of the probability of leaving, in [0, 1]."""
    h0: float = -1.0
    """Log-odds of leaving without any trust."""
    h1: float = 4.0
    """How much trust lowers the log-odds of leaving."""
    choice: str = "position"
    """How a slate is read: "position", "cascade" or "multinomial" (one click at most, against a no-click option)."""

    def __post_init__(self) -> None:
        """Refuse what is no number, and values outside their range, by name."""
        for name, low, high in _RANGES:
            value = getattr(self, name)
            if not isinstance(value, Real):
                raise TypeError(f"Behaviour.{name} must be a number in [{low:g}, {high:g}], got {value!r}")
            if not (math.isfinite(value) and low <= float(value) <= high):
                raise ValueError(f"Behaviour.{name} must be in [{low:g}, {high:g}], got {value!r}")
        if self.choice not in CHOICES:
            raise ValueError(f"Behaviour.choice must be one of {', '.join(CHOICES)}, got {self.choice!r}")
        if self.tau_buy < self.tau_click:
            raise ValueError(f"Behaviour.tau_buy ({self.tau_buy}) must be at least tau_click ({self.tau_click})")

    @classmethod
    def off(cls) -> Behaviour:
        """Return a behaviour with every mechanism off: what is shown is consumed, and rated by taste and biases."""
        return dataclasses.replace(cls(), **dict.fromkeys(MECHANISMS, 0.0))  # type: ignore[arg-type]

    def dials(
        self, *, mood: float | None = None, trust: float | None = None, satiation: float | None = None
    ) -> NDArray:
        """Return the record (1,) of dtype `DIALS` for the compiled equations; arguments hold a node at a value."""
        record = np.zeros(1, DIALS)
        for item in dataclasses.fields(self):
            value = getattr(self, item.name)
            record[item.name] = CHOICES.index(value) if item.name == "choice" else value
        for name, value in (("mood", mood), ("trust", trust), ("satiation", satiation)):
            record[f"fixed_{name}"] = np.nan if value is None else value
        return record


def _names_checked(init: Callable[..., None]) -> Callable[..., None]:
    """Return `init`, which names the nearest field where an argument is none."""

    @functools.wraps(init)
    def checked(self: Behaviour, *values: Any, **options: Any) -> None:
        known = [item.name for item in dataclasses.fields(Behaviour)]
        for name in options:
            if name not in known:
                near = difflib.get_close_matches(name, known, 1)
                hint = f" (did you mean {near[0]!r}?)" if near else ""
                raise TypeError(f"Behaviour has no field {name!r}{hint}; its fields are {', '.join(known)}")
        init(self, *values, **options)

    return checked


Behaviour.__init__ = _names_checked(Behaviour.__init__)  # type: ignore[method-assign]


MECHANISMS = (
    "attract", "conformity", "exposure", "coupling", "noise_correlation", "funnel", "eta", "discovery",
    "organic_rate", "boredom",     "drift", "adapt", "confounding", "leaving",
)  # fmt: skip
"""Fields that are strengths: 0 switches the mechanism off. The others say how a mechanism works when it is on."""

_FREE = (-1e6, 1e6)
_RANGES = (
    ("attract", *_FREE), ("conformity", *_FREE), ("exposure", 0.0, 1e6), ("coupling", -1.0, 1.0),
    ("noise_correlation", 0.0, 0.999), ("funnel", 0.0, 1.0), ("eta", 0.0, 100.0), ("tau_click", *_FREE),
    ("tau_buy", *_FREE), ("discovery", 0.0, 1.0), ("organic_rate", 0.0, 1.0), ("boredom", 0.0, 1e6), ("rho", 0.0, 1.0),
    ("drift", 0.0, 0.999), ("adapt", 0.0, 1.0), ("confounding", *_FREE), ("phi", 0.0, 1.0), ("leaving", 0.0, 1.0),
    ("h0", *_FREE), ("h1", *_FREE),
)  # fmt: skip
