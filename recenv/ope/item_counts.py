"""What a log and a policy say of each item, summed up over blocks of rows."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Vector = NDArray[np.float64]


class ItemCounts(NamedTuple):
    """What the log says of each item, (N,) each."""

    rows: Vector
    """Rows in which it was shown."""
    inverse: Vector
    """Sum of 1 / propensity over these."""
    inverse_square: Vector
    """Sum of 1 / propensity^2."""
    offered: Vector
    """Rows in which it could have been shown."""

    def take(self, candidates: NDArray[np.int64], item: NDArray[np.int64], propensity: Vector) -> None:
        """Add rows of which candidates (B, C) were offered and items (B,) shown with these probabilities (B,)."""
        many = len(self.rows)
        for total, weight in zip(self[:3], (None, 1 / propensity, propensity**-2.0), strict=True):
            total += np.bincount(item, weight, many)
        if same_in_every_row(candidates):
            self.offered[candidates[0]] += len(candidates)
        else:
            self.offered[:] += np.bincount(candidates[candidates >= 0], minlength=many)


def add_mass(mass: Vector, candidates: NDArray[np.int64], chance: NDArray[np.floating]) -> None:
    """Add to `mass` (N,) the chances (B, C) with which candidates (B, C) are chosen."""
    if same_in_every_row(candidates):
        mass[candidates[0]] += chance.sum(axis=0)
    else:
        allowed = candidates >= 0
        mass += np.bincount(candidates[allowed], chance[allowed], len(mass))


def same_in_every_row(candidates: NDArray[np.int64]) -> bool:
    """Return whether the candidates are one row seen many times: the whole catalogue."""
    return candidates.strides[0] == 0
