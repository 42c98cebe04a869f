"""Symmetric d x d matrices, one a row, as their upper triangles: P = d (d + 1) / 2 numbers instead of d^2."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from recenv.compiled import compiled

DOUBLINGS = 4
"""Of the exponent that bounds eigenvalues."""
TINY = float(np.finfo(np.float64).tiny)


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


def largest_eigenvalues(full: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return (n,) at least the largest eigenvalue of positive matrices (n, d, d): at most d^(1/32) of it.

    (sum of eigenvalues^(2 p))^(1 / (2 p)) = |M^p|^(1 / p),  p = 16, the norm is Frobenius'
    """
    scale = np.maximum(np.trace(full, axis1=1, axis2=2), TINY)
    power = full / scale[:, None, None]
    for _ in range(DOUBLINGS):
        power = power @ power
    found: NDArray[np.float64] = scale * np.sqrt((power**2).sum(axis=(1, 2))) ** (0.5**DOUBLINGS)
    return found


@compiled
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


@compiled
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


@compiled
def add_product(packed: NDArray[np.float64], vector: NDArray[np.float64], factor: float) -> None:
    """Add factor z z' to a packed row (P,), in place."""  # pragma: no cover - compiled
    size = len(vector)
    place = 0
    for i in range(size):
        scaled = factor * vector[i]
        for j in range(i, size):
            packed[place + j - i] += scaled * vector[j]
        place += size - i


@compiled
def write_sizes(packed: NDArray[np.float32], out: NDArray[np.float32]) -> None:
    """Write sum_j |M_ij| of a packed row (P,) into `out` (d,)."""  # pragma: no cover - compiled
    size = len(out)
    out[:] = np.float32(0.0)
    place = 0
    for i in range(size):
        out[i] += abs(packed[place])
        for j in range(i + 1, size):
            value = abs(packed[place + j - i])
            out[i] += value
            out[j] += value
        place += size - i


@compiled
def row_sizes(packed: NDArray[np.float32], size: int) -> NDArray[np.float32]:
    """Return (n, d) sum_j |M_ij| of packed rows (n, P)."""
    out = np.empty((len(packed), size), np.float32)  # pragma: no cover - compiled
    for n in range(len(packed)):
        write_sizes(packed[n], out[n])
    return out
