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
from recenv.causal.cold_items import without_ratings_of
from recenv.causal.world import World
from recenv.envs.logged_replay import replay_world
from recenv.envs.pools import ITEMS, USERS, items_of

FEEDBACKS = ("hybrid", "simulated", "logged")
REWARDS = ("rating", "like", "click", "purchase", "uplift", "satisfaction")
OBSERVATIONS = ("features", "history")
LOGGED_REWARDS = ("rating", "like")
"""What a ratings log holds."""

Reward = str | Callable[[NDArray[np.void]], NDArray[np.float64]]


@dataclass(frozen=True)
class EnvConfig:
    """Everything about an environment but its seed and the number of users."""

    world: World | str | Path | None = None
    """A `World`, the folder of a saved one, "synthetic" or "synthetic-SEED"; None is the synthetic default."""
    feedback: str = "hybrid"
    """"hybrid": logged pairs keep their abducted noise, the others are simulated; "simulated": the log is not used.
    "logged": only items that the user rated in the log are candidates, and each brings its logged rating."""
    reward: Reward = "rating"
    """"rating" (of what was consumed), "like", "click", "purchase", "uplift" (counts over the slate), "satisfaction"
    (trust after the step), or a function of the outcomes (B, K) that returns (B,)."""
    observation: str = "features"
    """"features": a flat Box; "history": a Dict that adds the item ids, feedback and mask of this session."""
    slate_size: int = 1
    """K, items shown a step."""
    candidates: int | None = None
    """C, items offered at each step, of which an action picks by place; None offers the whole catalogue by id."""
    horizon: int = 20
    """T, steps after which an episode is truncated."""
    repeat: bool = False
    """Whether an item may be shown again in an episode; where not, a repeated item is an empty position."""
    behaviour: Behaviour | str | None = None
    """Mechanism strengths; None takes the world's, "off" switches every mechanism off."""
    users: str = "all"
    """Who takes part: "all", "train", "validation" or "test"; the three share the users 80 : 10 : 10."""
    items: str = "all"
    """What may be shown: "all", "warm", or "cold" (a tenth of the catalogue, of whose ratings agents know nothing)."""
    mask_in_info: bool = False
    """Whether `info["action_mask"]` holds what `action_masks()` returns."""
    threads: int = 1
    """Threads that share a step of many users; the results do not depend on it."""

    def __post_init__(self) -> None:
        """Refuse values that cannot work, by name."""
        for name, valid in _CHOICES.items():
            if getattr(self, name) not in valid:
                raise ValueError(f"{name} must be one of {', '.join(valid)}, got {getattr(self, name)!r}")
        if not callable(self.reward) and self.reward not in REWARDS:
            raise ValueError(f"reward must be one of {', '.join(REWARDS)} or a function, got {self.reward!r}")
        for name in ("slate_size", "horizon", "threads", *(() if self.candidates is None else ("candidates",))):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value < 1:
                raise ValueError(f"{name} must be a whole number, 1 or more; got {value!r}")
        for name in ("repeat", "mask_in_info"):
            if not isinstance(getattr(self, name), (bool, np.bool_)):
                raise ValueError(f"{name} must be True or False, got {getattr(self, name)!r}")
        if not (self.behaviour is None or self.behaviour == "off" or isinstance(self.behaviour, Behaviour)):
            raise ValueError(f'behaviour must be a Behaviour, "off" or None, got {self.behaviour!r}')
        if self.candidates is not None and self.candidates < self.slate_size:
            raise ValueError(
                f"slate_size is {self.slate_size}, more than the {self.candidates} candidates: raise candidates"
            )
        if self.feedback == "logged":
            self._check_logged()

    def _check_logged(self) -> None:
        """Refuse what a log of ratings cannot answer."""
        if self.candidates is None:
            raise ValueError(
                'feedback="logged" knows the answers for rated items only: pass candidates=C, to offer C of these'
            )
        if not callable(self.reward) and self.reward not in LOGGED_REWARDS:
            raise ValueError(
                f'reward {self.reward!r} is not in a ratings log: with feedback="logged" use '
                f"{' or '.join(map(repr, LOGGED_REWARDS))}, or a function"
            )
        if isinstance(self.behaviour, Behaviour):
            raise ValueError('feedback="logged" simulates nothing, so behaviour has no effect: leave it out')


_CHOICES = {"feedback": FEEDBACKS, "observation": OBSERVATIONS, "users": USERS, "items": ITEMS}


_ELSEWHERE = {"max_episode_steps": "horizon", "obs": "observation", "topk": "slate_size", "top_k": "slate_size"}
"""What other libraries call it -> its name here, where the spelling does not tell."""


def make_config(config: EnvConfig | None, options: dict[str, Any]) -> EnvConfig:
    """Return the configuration with `options` in place of its fields.

    Raises
    ------
    TypeError
        If `config` is no configuration, or an option is unknown, with the nearest valid name.
    """
    if not (config is None or isinstance(config, EnvConfig)):
        raise TypeError(
            f"config must be an EnvConfig, got {config!r}: pass its fields as arguments, such as horizon=10"
        )
    known = [item.name for item in dataclasses.fields(EnvConfig)]
    for name in options:
        if name not in known:
            near = _ELSEWHERE.get(name) or next(iter(difflib.get_close_matches(name, known, 1)), None)
            hint = f" (did you mean {near!r}?)" if near else ""
            raise TypeError(f"unknown argument {name!r}{hint}; valid arguments are {', '.join(known)}")
    return dataclasses.replace(config or EnvConfig(), **options)


def resolve_world(config: EnvConfig) -> World:
    """Return the world of a configuration, with its behaviour applied.

    Raises
    ------
    FileNotFoundError
        If `world` names a folder without a world.
    TypeError
        If it is neither a world nor a name.
    ValueError
        If the catalogue is too small for the slates or the candidates, or has no log where one is asked for.
    """
    world = _named_world(config.world)
    if config.behaviour is not None:
        behaviour = config.behaviour if isinstance(config.behaviour, Behaviour) else Behaviour.off()
        world = dataclasses.replace(world, behaviour=behaviour)
    if config.items != "all":
        world = without_ratings_of(world, items_of(world, "cold"))
    if config.feedback == "logged":
        return replay_world(world)
    _check_size(config, world)
    return world


def _check_size(config: EnvConfig, world: World) -> None:
    """Refuse a catalogue in which the last step of a session would lack items."""
    earlier = 0 if config.repeat else config.slate_size * (config.horizon - 1)
    need, there = earlier + (config.candidates or config.slate_size), int(items_of(world, config.items).sum())
    if need > there:
        pool = "" if config.items == "all" else f" {config.items}"
        offered, dial = "", "slate_size"
        if config.candidates is not None:
            offered, dial = f" out of {config.candidates} candidates", "candidates"
        raise ValueError(
            f"world {world.name!r} has {there}{pool} items; {config.horizon} steps of {config.slate_size}{offered} "
            f"without repeats need {need}: lower horizon or {dial}, or pass repeat=True"
        )


def _named_world(source: World | str | Path | None) -> World:
    if isinstance(source, World):
        return source
    if source is None:
        return World.synthetic()
    if not isinstance(source, str | Path):
        raise TypeError(
            f'world must be a World, "synthetic", "synthetic-SEED" or a folder, got {type(source).__name__}'
        )
    name, _, seed = str(source).partition("-")
    if name == "synthetic" and (not seed or seed.isdigit()):
        return World.synthetic(int(seed or 0))
    try:
        return World.load(source)
    except FileNotFoundError:
        raise FileNotFoundError(
            f'world {str(source)!r} is neither "synthetic", "synthetic-SEED" nor a folder with a saved world; make one '
            "from a ratings log: World.fit(log).save(folder), or `recenv fit LOG -o FOLDER`"
        ) from None
