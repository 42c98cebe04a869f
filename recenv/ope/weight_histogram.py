"""A picture of the weights in a few numbers."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

EDGES = np.concatenate([[0.0], np.logspace(-4, 6, 41), [np.inf]])
"""Edges of the bins: quarter decades from 1e-4 to 1e6; the first bin also holds the zeros."""


def weight_histogram(weight: NDArray[np.float64]) -> list[dict[str, float]]:
    """Return the bins that are not empty: low, high, share of rows, share of the sum of weights (n,)."""
    place = np.clip(np.searchsorted(EDGES, weight, side="right") - 1, 0, len(EDGES) - 2)
    rows = np.bincount(place, minlength=len(EDGES) - 1)
    mass = np.bincount(place, weights=weight, minlength=len(EDGES) - 1)
    total = weight.sum() or 1.0
    return [
        {
            "low": float(EDGES[bin]),
            "high": float(EDGES[bin + 1]),
            "rows": float(rows[bin] / len(weight)),
            "weight": float(mass[bin] / total),
        }
        for bin in np.flatnonzero(rows)
    ]
