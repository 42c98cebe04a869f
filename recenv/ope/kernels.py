"""Kernels: densities that weigh a row by how near its action is to the target's."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Vector = NDArray[np.float64]


def gaussian(u: Vector) -> Vector:
    """Return exp(-u^2 / 2) / sqrt(2 pi)."""
    return np.asarray(np.exp(-(u**2) / 2) / np.sqrt(2 * np.pi))


def epanechnikov(u: Vector) -> Vector:
    """Return 3 (1 - u^2) / 4 within 1, else 0."""
    return 0.75 * np.maximum(1 - u**2, 0)


def triangular(u: Vector) -> Vector:
    """Return 1 - |u| within 1, else 0."""
    return np.maximum(1 - np.abs(u), 0)


def cosine(u: Vector) -> Vector:
    """Return pi / 4 cos(pi u / 2) within 1, else 0."""
    return np.where(np.abs(u) <= 1, np.pi / 4 * np.cos(np.pi / 2 * u), 0.0)


KERNELS: dict[str, Callable[[Vector], Vector]] = {
    "gaussian": gaussian,
    "epanechnikov": epanechnikov,
    "triangular": triangular,
    "cosine": cosine,
}


def kernel_weight(distance: Vector, bandwidth: float, kernel: str) -> Vector:
    """Return K(distance / h) / h (n,), h = `bandwidth` in the action's unit.

    Raises
    ------
    ValueError
        If the bandwidth is not positive, or there is no such kernel.
    """
    if not (bandwidth > 0 and np.isfinite(bandwidth)):
        raise ValueError(f"bandwidth must be a positive number, not {bandwidth}")
    if kernel not in KERNELS:
        raise ValueError(f"there is no kernel {kernel!r}; there are {', '.join(KERNELS)}")
    return KERNELS[kernel](distance / bandwidth) / bandwidth
