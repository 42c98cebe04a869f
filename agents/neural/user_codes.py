"""A fixed random code that stands for a user: what a network needs to learn about one user in particular.

Every bit of the code comes from a hash of the user's id (SplitMix64's finaliser, `steele2014fast`), so that a user who
was never met has a code too, and no table is kept. Codes of two users are nearly orthogonal; the code of users who are
not named is 0, the mean of all codes.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

AMPLITUDE = 0.5
"""Of each number of a code; half the deviation of a standardised feature."""


def user_codes(users: NDArray[np.integer] | None, rows: int, size: int) -> NDArray[np.float32]:
    """Return (B, size) codes of -`AMPLITUDE` and `AMPLITUDE` of user ids (B,); None is B = `rows` without a name."""
    if users is None:
        return np.zeros((rows, size), np.float32)
    words = -(-size // 64)
    place: NDArray[np.uint64] = np.asarray(users).astype(np.uint64)[:, None] * np.uint64(words)
    place = np.add(place, np.arange(words, dtype=np.uint64), dtype=np.uint64)
    bits = np.unpackbits(_mixed(place).astype("<u8").view(np.uint8).reshape(rows, -1), axis=1)
    return (AMPLITUDE * (2.0 * bits[:, :size] - 1.0)).astype(np.float32)


def _mixed(value: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Return 64 well-mixed bits of each number; arithmetic is modulo 2^64."""
    mixed = (value + np.uint64(1)) * np.uint64(0x9E3779B97F4A7C15)
    mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return mixed ^ (mixed >> np.uint64(31))
