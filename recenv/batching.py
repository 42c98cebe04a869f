"""Every form of a recenv environment, a single one from `gym.make` among them, as what agents are run in."""

from __future__ import annotations

from typing import Any

from recenv.envs.config import EnvConfig
from recenv.envs.vector import RecSysVectorEnv

USERS_IN_TRAINING = 64
"""Users at once where the caller gave an environment of one user."""
PASSIVE = ("OrderEnforcing", "PassiveEnvChecker", "RecordEpisodeStatistics")
"""Wrappers that change nothing of what an agent sees; `gym.make` adds the first two by itself."""


def config_of(env: Any) -> EnvConfig:
    """Return the configuration of an environment of recenv, or `env` itself where it is one.

    Raises
    ------
    TypeError
        If it is neither.
    ValueError
        If a wrapper around it changes what an agent sees: the configuration knows nothing of that.
    """
    if isinstance(env, EnvConfig):
        return env
    inner = getattr(env, "unwrapped", env)
    config = getattr(inner, "config", None)
    if not isinstance(config, EnvConfig):
        raise TypeError(
            f'env is a {type(inner).__name__}, which is no environment of recenv: give gym.make("RecSys-v0"), '
            "RecSysVectorEnv(64) or an EnvConfig"
        )
    while env is not inner and hasattr(env, "env"):
        if type(env).__name__ not in PASSIVE:
            raise ValueError(
                f"env is wrapped in {type(env).__name__}, which would be left out here: give env.unwrapped where that "
                "is meant, and say what the wrapper does by an option of the environment"
            )
        env = env.env
    return config


def as_vector_env(env: Any, num_envs: int = USERS_IN_TRAINING) -> RecSysVectorEnv:
    """Return a vector environment as it is, and anything else as a new one of `num_envs` users, configured alike."""
    config = config_of(env)
    return env if isinstance(env, RecSysVectorEnv) else RecSysVectorEnv(num_envs, config)
