"""Compliance checks that third parties run on their own agents and environments."""

from __future__ import annotations

import importlib
from typing import Any

_HOMES = {
    "check_agent": "recenv.testing.agents",
    "check_vector_env": "recenv.testing.vector_env",
}

__all__ = sorted(_HOMES)


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(_HOMES[name]), name)
