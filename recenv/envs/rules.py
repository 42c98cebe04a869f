"""Rules of an environment as the compiled loops read them: one record, made from the configuration and the world."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from recenv.causal.abduction import world_key
from recenv.causal.world import World
from recenv.envs.config import REWARDS, EnvConfig

NEXT_STEP, SAME_STEP, DISABLED = 0, 1, 2
"""When a slot whose episode ended starts anew: at the next step (its action is ignored), within the step, or never."""

RATING, LIKE, CLICK, PURCHASE, UPLIFT, SATISFACTION, CALLABLE = range(7)
"""Codes of the rewards, in the order of `REWARDS`; CALLABLE leaves the reward to a Python function."""

RULES = np.dtype(
    [
        ("world_low", np.uint32),
        ("world_high", np.uint32),
        ("hybrid", np.bool_),
        ("repeat", np.bool_),
        ("exhaustible", np.bool_),
        ("horizon", np.int64),
        ("reward", np.int64),
        ("autoreset", np.int64),
        ("like_level", np.int64),
        ("trust_start", np.float64),
        ("n_drawn", np.int64),
    ]
)


def make_rules(world: World, config: EnvConfig, autoreset: int) -> NDArray[np.void]:
    """Return the record (1,) of dtype RULES, for a pool of all users (see `recenv.envs.pools`)."""
    low, high = world_key(world.seed)
    rules = np.zeros(1, RULES)
    rules["world_low"], rules["world_high"] = low, high
    rules["hybrid"] = config.feedback != "simulated"
    rules["repeat"], rules["exhaustible"] = config.repeat, config.feedback == "logged" and not config.repeat
    rules["horizon"], rules["autoreset"] = config.horizon, autoreset
    rules["reward"] = CALLABLE if callable(config.reward) else REWARDS.index(config.reward)
    rules["like_level"], rules["trust_start"], rules["n_drawn"] = world.like_level, world.trust_start, world.n_users
    return rules
