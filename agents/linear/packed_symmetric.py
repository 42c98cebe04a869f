"""Symmetric d x d matrices, one a row, as their upper triangles: P = d (d + 1) / 2 numbers instead of d^2."""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray


def packed_size(size: int) -> int:
    """Return P of d x d matrices."""
    return size * (size + 1) // 2


def unpack(packed: NDArray[np.float64], size: int) -> NDArray[np.float64]:
    """Return (n, d, d) of packed rows (n, P)."""
    row, column = np.triu_indices(size)
    full = np.empty((len(packed), size, size))
    full[:, row, column] = packed
    full[:, column, row] = packed
    return full


def pack(full: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return (n, P) the upper triangles of (n, d, d)."""
    row, column = np.triu_indices(full.shape[1])
    return full[:, row, column]


@njit(cache=True)
def products(vectors: NDArray[np.float64]) -> NDArray[np.float32]:  # pragma: no cover - compiled
    """Return (n, P) float32 the packed z z' of vectors z (n, d), off the diagonal twice.

    Its product with a packed row of a matrix M is z' M z.
    """
    count, size = vectors.shape
    out = np.empty((count, size * (size + 1) // 2), np.float32)
    for n in range(count):
        place = 0
        for i in range(size):
            twice = 2.0 * vectors[n, i]
            out[n, place] = vectors[n, i] * vectors[n, i]
            for j in range(i + 1, size):
                out[n, place + j - i] = twice * vectors[n, j]
            place += size - i
    return out


@njit(cache=True)
def times(packed: NDArray[np.float64], vector: NDArray[np.float64], out: NDArray[np.float64]) -> None:
    """Write M z into `out`, M a packed row (P,)."""  # pragma: no cover - compiled
    size = len(vector)
    out[:] = 0.0
    place = 0
    for i in range(size):
        total = packed[place] * vector[i]
        for j in range(i + 1, size):
            value = packed[place + j - i]
            total += value * vector[j]
            out[j] += value * vector[i]
        out[i] += total
        place += size - i


@njit(cache=True)
def add_product(packed: NDArray[np.float64], vector: NDArray[np.float64], factor: float) -> None:
    """Add factor z z' to a packed row (P,), in place."""  # pragma: no cover - compiled
    size = len(vector)
    place = 0
    for i in range(size):
        scaled = factor * vector[i]
        for j in range(i, size):
            packed[place + j - i] += scaled * vector[j]
        place += size - i
