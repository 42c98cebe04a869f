"""The numbers that a reward or propensity model reads off an observation."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray


def context(observation: Mapping[str, NDArray[Any]], rows: int) -> NDArray[np.float32]:
    """Return (n, O): "features" if there are any, else every floating-point array, flattened.

    Integer arrays are left out, since ids are labels and not sizes. (n, 0) when nothing is left.
    """
    if "features" in observation:
        return observation["features"].reshape(rows, -1).astype(np.float32, copy=False)
    parts = [array.reshape(rows, -1) for _, array in sorted(observation.items()) if array.dtype.kind == "f"]
    return np.hstack([np.zeros((rows, 0)), *parts]).astype(np.float32)
