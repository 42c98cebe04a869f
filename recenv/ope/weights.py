"""Transformations that trade a bias for less variance: each maps weights (n,) to weights (n,)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Weights = NDArray[np.float64]


def clipped(weight: Weights, clip: float) -> Weights:
    """Cut at `clip`: min(w, clip), clip > 0."""
    _check("clip", clip, clip > 0, "a positive number")
    return np.minimum(weight, clip)


def switched(weight: Weights, threshold: float) -> Weights:
    """Keep w where w <= threshold, else 0; threshold >= 0."""
    _check("threshold", threshold, threshold >= 0, "at least 0")
    return np.where(weight <= threshold, weight, 0.0)


def shrunk(weight: Weights, shrinkage: float) -> Weights:
    """Shrink to s w / (w^2 + s), s = shrinkage > 0; towards w as s grows, towards 0 as it falls."""
    _check("shrinkage", shrinkage, shrinkage > 0, "a positive number")
    if np.isinf(shrinkage):
        return weight
    divisor = weight * weight
    divisor += shrinkage
    return np.divide(shrinkage * weight, divisor, out=divisor)


def subgaussian(weight: Weights, strength: float) -> Weights:
    """Average harmonically with 1: w / (1 - s + s w), s = strength in [0, 1]; bounded by 1 / s."""
    _check("strength", strength, 0 <= strength <= 1, "in [0, 1]")
    if strength == 1:
        return (weight > 0).astype(np.float64)
    return weight / (1 - strength + strength * weight)


def _check(name: str, value: float, holds: bool, wanted: str) -> None:
    if not holds:
        raise ValueError(f"{name} must be {wanted}, not {value}")
