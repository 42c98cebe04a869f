"""Within which range a row's term lies before any data are seen; finite-sample bounds need it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Range = tuple[float, float]


def weighted_support(reward_range: Range | None, weight_max: float | None) -> Range | None:
    """Return the range of w r with w in [0, weight_max]; None where a bound is not known."""
    if reward_range is None or weight_max is None:
        return None
    low, high = reward_range
    return min(0.0, weight_max * low), max(0.0, weight_max * high)


def doubly_robust_support(
    reward_range: Range | None, weight_max: float | None, *models: NDArray[np.float64]
) -> Range | None:
    """Return the range of q_target + w (r - q_logged); None where unknown or a model leaves the rewards' range."""
    if reward_range is None or weight_max is None:
        return None
    low, high = reward_range
    width = high - low
    slack = 1e-9 * width  # an expectation over probabilities that sum to 1 + 1e-16 may exceed its terms
    if any((model < low - slack).any() or (model > high + slack).any() for model in models):
        return None
    return low - weight_max * width, high + weight_max * width
