"""Validation: what a world gets right about ratings that it has not seen, each number with its interval."""

from __future__ import annotations

from recenv.lazy import lazy

_HOMES = {
    "ASSUMPTIONS": "recenv.causal.validation.assumed",
    "ValidationCard": "recenv.causal.validation.validation_card",
    "validate": "recenv.causal.validation.measured",
}

__all__ = sorted(_HOMES)
__getattr__ = lazy(__name__, _HOMES)
