"""Biases that no interval shows, in standard errors of the estimate: of weight that was taken away, or never logged."""

from __future__ import annotations

import numpy as np

from recenv.ope.diagnostics import Diagnostics
from recenv.ope.estimate import Estimate

CHANCE = 2.0
"""Standard errors up to which a bias may be chance."""
NORMAL_99 = 2.576
"""Standard errors in half of a 99% interval, which `Diagnostics` holds."""


def bias_of_removed(result: Estimate) -> float:
    """Return the value of the weight that clipping or shrinking took away; 0 where it may be chance."""
    lost, error = result.removed_value
    return abs(lost) / result.std_error if abs(lost) > CHANCE * error and result.std_error > 0 else 0.0


def bias_of_missing(result: Estimate, found: Diagnostics) -> float:
    """Return the value of the weight that the log lacks, or has too much of; 0 where it may be chance.

        |1 - mean(w)| * sqrt(sum w e^2 / sum w) / std_error

    The mean weight is 1 in expectation. Where it is off by more than two of its own standard errors, the difference is
    counted at the typical size of e: of a reward, or of a residual where a model or a ratio takes the mean out.
    """
    part = result.contribution
    total = part.weight.sum()
    gap, error = abs(1 - found.mean_weight), (found.mean_weight_upper - found.mean_weight_lower) / (2 * NORMAL_99)
    if part.weight.ndim > 1 or not total > 0 or gap <= CHANCE * error or not result.std_error > 0:
        return 0.0
    ratio = part.numerator.sum() / total if part.denominator is part.weight else 0.0
    residual = part.numerator - ratio * part.weight
    square = np.divide(residual**2, part.weight, out=np.zeros_like(residual), where=part.weight > 0)
    return float(gap * np.sqrt(square.sum() / total) / result.std_error)
