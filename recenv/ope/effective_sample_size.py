"""How many on-policy rows a weighted log is worth."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def effective_sample_size(weight: NDArray[np.float64]) -> float:
    """Return (sum w)^2 / sum w^2 of weights (n,); 0 if all are 0; of weights (n, K) by position, the smallest.

    Reference: Kish (1965).
    """
    square = np.einsum("n...,n...->...", weight, weight)
    total = weight.sum(axis=0)
    return float(np.min(np.divide(total**2, square, out=np.zeros_like(square), where=square > 0)))
