"""Which recommendation policy is better, and how sure are we, before any user sees it.

Importing recenv registers `RecSys-v0` with Gymnasium; everything else is loaded when it is first used.
"""

from __future__ import annotations

import importlib
from typing import Any

from recenv._version import __version__
from recenv.envs.registration import register

_HOMES = {
    "Behaviour": "recenv.causal",
    "EnvConfig": "recenv.envs",
    "LoggedFeedback": "recenv.feedback",
    "RatingsLog": "recenv.data",
    "World": "recenv.causal",
    "collect": "recenv.feedback",
    "evaluate": "recenv.ope",
}

_PACKAGES = ("agents", "causal", "data", "envs", "feedback", "ope", "report", "sb3", "testing", "training")

__all__ = ["__version__", *sorted(_HOMES)]


def __getattr__(name: str) -> Any:
    if name in _PACKAGES:
        return importlib.import_module(f"recenv.{name}")
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(_HOMES[name]), name)


register()
