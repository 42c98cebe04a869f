"""The state of a NumPy generator as JSON, so that what draws from it can be kept and go on."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

import numpy as np


def generator_state(rng: np.random.Generator) -> dict[str, Any]:
    """Return the state of a generator as JSON."""
    state: dict[str, Any] = _plain(rng.bit_generator.state)
    return state


def generator_digest(rng: np.random.Generator) -> str:
    """Return 16 hexadecimal digits that stand for the state."""
    return hashlib.sha256(json.dumps(generator_state(rng), sort_keys=True).encode()).hexdigest()[:16]


def restored_generator(state: Mapping[str, Any]) -> np.random.Generator:
    """Return the generator that goes on where `generator_state` was taken."""
    rng = np.random.default_rng(0)
    rng.bit_generator.state = dict(state)
    return rng


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _plain(inner) for name, inner in value.items()}
    return value.tolist() if isinstance(value, np.ndarray | np.generic) else value
