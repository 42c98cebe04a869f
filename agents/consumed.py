"""Which items of a slate can have earned its reward: those that the user took."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray


def consumed_positions(items: NDArray[np.int64], outcome: Mapping[str, NDArray[Any]] | None) -> NDArray[np.bool_]:
    """Return (B, K) which items the user consumed; where nobody tells, all that were shown."""
    shown = items >= 0
    if outcome is None or "consumed" not in outcome:
        return shown
    return shown & np.asarray(outcome["consumed"], np.bool_)
