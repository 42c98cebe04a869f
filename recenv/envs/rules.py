"""Rules of an environment as the compiled loops read them: one record, made from the configuration and the world."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from recenv.causal.abduction import world_key
from recenv.causal.world import World
from recenv.envs.config import FEEDBACKS, REWARDS, EnvConfig

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
        ("horizon", np.int64),
        ("reward", np.int64),
        ("autoreset", np.int64),
        ("like_level", np.int64),
        ("trust_start", np.float64),
    ]
)


def make_rules(world: World, config: EnvConfig, autoreset: int) -> NDArray[np.void]:
    """Return the record (1,) of dtype RULES."""
    low, high = world_key(world.seed)
    reward = CALLABLE if callable(config.reward) else REWARDS.index(config.reward)
    hybrid = config.feedback == FEEDBACKS[0]
    row = (low, high, hybrid, config.repeat, config.horizon, reward, autoreset, world.like_level, world.trust_start)
    return np.array([row], RULES)
