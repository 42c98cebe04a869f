"""Environments: one batch core, thin adapters."""

from __future__ import annotations

import importlib
from typing import Any

_HOMES = {
    "EnvConfig": "recenv.envs.config",
    "OUTCOME": "recenv.envs.state",
    "RecSysEnv": "recenv.envs.single",
    "RecSysVectorEnv": "recenv.envs.vector",
}

__all__ = sorted(_HOMES)


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(_HOMES[name]), name)
