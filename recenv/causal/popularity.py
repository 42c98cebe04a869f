"""Popularity: what the crowd does, apart from quality."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def log_popularity(counts: NDArray[np.floating]) -> NDArray[np.float64]:
    """Return (N,) log(1 + ratings), standardised to mean 0 and deviation 1; zeros if all counts are equal."""
    logs = np.log1p(counts.astype(np.float64))
    deviation = logs.std()
    return (logs - logs.mean()) / deviation if deviation > 0 else np.zeros(len(logs))


def conformity_popularity(counts: NDArray[np.floating], item_bias: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return (N,) pop: standardised log popularity less its projection on the item bias.

    Quality drives popularity, so the two correlate; what conformity acts on is the rest, orthogonal to b_i. The
    projection is taken off pop, not off b_i, since b_i alone carries quality into satisfaction.
    """
    pop = log_popularity(counts)
    power = float(item_bias @ item_bias)
    return pop - item_bias * (float(pop @ item_bias) / power) if power > 0 else pop
