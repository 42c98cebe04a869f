"""The causal world: how users respond, fitted from their log or made from a seed."""

from __future__ import annotations

from recenv.lazy import lazy

_HOMES = {
    "Behaviour": "recenv.causal.behaviour",
    "CausalGraph": "recenv.causal.graph",
    "Ensemble": "recenv.causal.ensemble",
    "FitConfig": "recenv.causal.fit_config",
    "LoggedPairs": "recenv.causal.world",
    "World": "recenv.causal.world",
}

__all__ = sorted(_HOMES)
__getattr__ = lazy(__name__, _HOMES)
