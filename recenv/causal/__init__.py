"""The causal world: how users respond, fitted from their log or made from a seed."""

from __future__ import annotations

from recenv.lazy import lazy

_HOMES = {
    "Behaviour": "recenv.causal.behaviour",
    "BehaviourFit": "recenv.causal.behaviour_fit",
    "CausalGraph": "recenv.causal.graph",
    "Ensemble": "recenv.causal.ensemble",
    "FitConfig": "recenv.causal.fit_config",
    "Interval": "recenv.causal.parametric_bootstrap",
    "LoggedPairs": "recenv.causal.world",
    "ObservedSessions": "recenv.causal.observed_sessions",
    "World": "recenv.causal.world",
    "corrected": "recenv.causal.parametric_bootstrap",
    "fit_behaviour": "recenv.causal.behaviour_fit",
    "match_thresholds": "recenv.causal.matched_thresholds",
    "simulated_errors": "recenv.causal.parametric_bootstrap",
}

__all__ = sorted(_HOMES)
__getattr__ = lazy(__name__, _HOMES)
