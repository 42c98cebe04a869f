"""Environments: one batch core, thin adapters."""

from __future__ import annotations

from recenv.lazy import lazy

_HOMES = {
    "EnvConfig": "recenv.envs.config",
    "OUTCOME": "recenv.envs.state",
    "RecSysEnv": "recenv.envs.single",
    "RecSysVectorEnv": "recenv.envs.vector",
}

__all__ = sorted(_HOMES)
__getattr__ = lazy(__name__, _HOMES)
