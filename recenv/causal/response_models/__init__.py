"""Models of how much users like items: each is fitted to a log's first part, and any of them makes a world."""

from __future__ import annotations

from recenv.lazy import lazy

_HOMES = {
    "find_response_model": "recenv.causal.response_models.registry",
    "make_response_model": "recenv.causal.response_models.registry",
    "response_model_names": "recenv.causal.response_models.registry",
}

__all__ = sorted(_HOMES)
__getattr__ = lazy(__name__, _HOMES)
