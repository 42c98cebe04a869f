"""Compliance checks that third parties run on their own agents and environments."""

from __future__ import annotations

from recenv.lazy import lazy

_HOMES = {
    "indifferent": "recenv.testing.replicated_logs",
    "replicating": "recenv.testing.replicated_logs",
    "check_agent": "recenv.testing.agents",
    "check_vector_env": "recenv.testing.vector_env",
}

__all__ = sorted(_HOMES)
__getattr__ = lazy(__name__, _HOMES)
