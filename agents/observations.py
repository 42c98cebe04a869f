"""The flat part of an observation: what the built-in agents look at."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from recenv.protocol import Observation


def flat_observation(observation: Observation, size: int) -> NDArray[np.float32]:
    """Return (B, O) float32: the array itself, or "features" of a mapping.

    Raises
    ------
    ValueError
        If a mapping has no "features", or the width is not the catalogue's.
    """
    if isinstance(observation, Mapping):
        if "features" not in observation:
            raise ValueError(f"observation has no 'features'; it has {', '.join(map(str, observation))}")
        flat = np.asarray(observation["features"], np.float32)
    else:
        flat = np.asarray(observation, np.float32)
    if flat.ndim != 2 or flat.shape[1] != size:
        raise ValueError(
            f"observation must be (B, {size}) as in the catalogue that the agent was made for, got {flat.shape}: "
            "make or train an agent for this world"
        )
    return flat
