"""What an agent sees, and its spaces. Never taste, mood or V: only what a real system would have.

The flat observation (O,) is, in order: the user's visible features (F, in [-4, 4]); two topic profiles of this
session, decayed over the steps (G each, in [0, 1]): what was consumed, and the same weighted by its normalised rating;
and five scalars in [0, 1]: step / horizon, the last mean normalised rating, its mean over the session, the share of
steps with consumption, and whether this is the first step.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from recenv.causal.visible import LIMIT
from recenv.envs.core import BatchCore
from recenv.envs.state import SCALARS


def observation_space(core: BatchCore) -> spaces.Space:
    """Return the space of one user's observation."""
    features, topics = core.world.user_features.shape[1], core.world.topic.shape[1]
    low = np.concatenate([np.full(features, -LIMIT), np.zeros(2 * topics + SCALARS)]).astype(np.float32)
    high = np.concatenate([np.full(features, LIMIT), np.ones(2 * topics + SCALARS)]).astype(np.float32)
    flat = spaces.Box(low, high, dtype=np.float32)
    if core.config.observation == "features":
        return flat
    history = core.state.shown.shape[1]
    return spaces.Dict(
        {
            "features": flat,
            "shown": spaces.Box(-1, core.world.n_items - 1, (history,), np.int32),
            "feedback": spaces.Box(0.0, 1.0, (history,), np.float32),
            "mask": spaces.Box(0, 1, (history,), np.int8),
        }
    )


def observe(core: BatchCore) -> NDArray[np.float32] | dict[str, NDArray[Any]]:
    """Return the observation of B users, in arrays of their own."""
    flat = core.state.visible
    if core.config.observation == "features":
        return flat.copy()
    shown = core.state.shown
    return {
        "features": flat.copy(),
        "shown": shown.copy(),
        "feedback": core.state.felt.copy(),
        "mask": (shown >= 0).astype(np.int8),
    }


def first_row(observation: NDArray[Any] | Mapping[str, NDArray[Any]]) -> Any:
    """Return the observation of a batch of one without its batch axis."""
    if isinstance(observation, Mapping):
        return {name: column[0] for name, column in observation.items()}
    return observation[0]
