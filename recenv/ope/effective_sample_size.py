"""How many on-policy rows a weighted log is worth."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def effective_sample_size(weight: NDArray[np.float64]) -> float:
    """Return (sum w)^2 / sum w^2 of weights (n,); 0 if all are 0.

    Reference: Kish (1965).
    """
    square = float(np.dot(weight, weight))
    return float(weight.sum()) ** 2 / square if square > 0 else 0.0
