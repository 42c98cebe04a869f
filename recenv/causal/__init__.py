"""The causal world: how users respond, fitted from their log or made from a seed."""

from __future__ import annotations

import importlib
from typing import Any

_HOMES = {
    "Behaviour": "recenv.causal.behaviour",
    "CausalGraph": "recenv.causal.graph",
    "FitConfig": "recenv.causal.fit",
    "LoggedPairs": "recenv.causal.world",
    "World": "recenv.causal.world",
}

__all__ = sorted(_HOMES)


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(_HOMES[name]), name)
