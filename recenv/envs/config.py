"""Configuration of an environment: what `gym.make("RecSys-v0", ...)` takes."""

from __future__ import annotations

import dataclasses
import difflib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recenv.causal.behaviour import Behaviour
from recenv.causal.world import World

FEEDBACKS = ("hybrid", "simulated")
REWARDS = ("rating", "like", "click", "purchase", "uplift", "satisfaction")
OBSERVATIONS = ("features", "history")

Reward = str | Callable[[NDArray[np.void]], NDArray[np.float64]]


@dataclass(frozen=True)
class EnvConfig:
    """Everything about an environment but its seed and the number of users."""

    world: World | str | Path | None = None
    """A `World`, the folder of a saved one, "synthetic" or "synthetic-SEED"; None is the synthetic default."""
    feedback: str = "hybrid"
    """"hybrid": logged pairs keep their abducted noise, the others are simulated; "simulated": the log is not used."""
    reward: Reward = "rating"
    """"rating" (of what was consumed), "like", "click", "purchase", "uplift" (counts over the slate), "satisfaction"
    (trust after the step), or a function of the outcomes (B, K) that returns (B,)."""
    observation: str = "features"
    """"features": a flat Box; "history": a Dict that adds the item ids, feedback and mask of this session."""
    slate_size: int = 1
    """K, items shown a step."""
    horizon: int = 20
    """T, steps after which an episode is truncated."""
    repeat: bool = False
    """Whether an item may be shown again in an episode; where not, a repeated item is an empty position."""
    behaviour: Behaviour | str | None = None
    """Mechanism strengths; None takes the world's, "off" switches every mechanism off."""

    def __post_init__(self) -> None:
        """Refuse values that cannot work, by name."""
        for name, valid in (("feedback", FEEDBACKS), ("observation", OBSERVATIONS)):
            if getattr(self, name) not in valid:
                raise ValueError(f"{name} must be one of {', '.join(valid)}, got {getattr(self, name)!r}")
        if not callable(self.reward) and self.reward not in REWARDS:
            raise ValueError(f"reward must be one of {', '.join(REWARDS)} or a function, got {self.reward!r}")
        for name in ("slate_size", "horizon"):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value < 1:
                raise ValueError(f"{name} must be a whole number, 1 or more; got {value!r}")
        if not (self.behaviour is None or self.behaviour == "off" or isinstance(self.behaviour, Behaviour)):
            raise ValueError(f'behaviour must be a Behaviour, "off" or None, got {self.behaviour!r}')


def make_config(config: EnvConfig | None, options: dict[str, Any]) -> EnvConfig:
    """Return the configuration with `options` in place of its fields.

    Raises
    ------
    TypeError
        If an option is unknown, with the nearest valid name.
    """
    known = [item.name for item in dataclasses.fields(EnvConfig)]
    for name in options:
        if name not in known:
            near = difflib.get_close_matches(name, known, 1)
            hint = f" (did you mean {near[0]!r}?)" if near else ""
            raise TypeError(f"unknown argument {name!r}{hint}; valid arguments are {', '.join(known)}")
    return dataclasses.replace(config or EnvConfig(), **options)


def resolve_world(config: EnvConfig) -> World:
    """Return the world of a configuration, with its behaviour applied.

    Raises
    ------
    FileNotFoundError
        If `world` names a folder without a world.
    ValueError
        If the catalogue is too small for the slate.
    """
    world = _named_world(config.world)
    if config.behaviour is not None:
        behaviour = config.behaviour if isinstance(config.behaviour, Behaviour) else Behaviour.off()
        world = dataclasses.replace(world, behaviour=behaviour)
    need = config.slate_size if config.repeat else config.slate_size * config.horizon
    if need > world.n_items:
        raise ValueError(
            f"world {world.name!r} has {world.n_items} items; {config.horizon} steps of {config.slate_size} without "
            f"repeats need {need}: lower horizon or slate_size, or pass repeat=True"
        )
    return world


def _named_world(source: World | str | Path | None) -> World:
    if isinstance(source, World):
        return source
    if source is None:
        return World.synthetic()
    name, _, seed = str(source).partition("-")
    if name == "synthetic" and (not seed or seed.isdigit()):
        return World.synthetic(int(seed or 0))
    return World.load(source)
