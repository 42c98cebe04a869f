"""What no interval shows: the bias of weight that was taken away or never logged, and noise that luck kept small."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from recenv.ope.contribution import Contribution
from recenv.ope.diagnostics import Diagnostics
from recenv.ope.estimate import Estimate

Vector = NDArray[np.float64]
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
    gap, error = abs(1 - found.mean_weight), (found.mean_weight_upper - found.mean_weight_lower) / (2 * NORMAL_99)
    if gap <= CHANCE * error or not result.std_error > 0:
        return 0.0
    weight, residual = _weighted_residuals(result.contribution)
    return float(gap * np.sqrt(_usual_square(weight, residual)) / result.std_error)


def noise_of_usual_residuals(result: Estimate) -> float:
    """Return the standard error if residuals were as large under any weight, over the reported one.

        s^2 = sum w e^2 / sum w
        sqrt(1 + (s^2 sum w^2 - sum (w e)^2) / (n mean(denominator) std_error)^2)

    A few rows with the largest weights make up most of the variance. Where their residuals e happen to be small, the
    reported error is too small, and the value is off as well: the rare bad outcome has yet to come. 1 where it does not
    apply: no weights, or several weights a row. Assumes that residuals are about as large under any weight.
    """
    weight, residual = _weighted_residuals(result.contribution)
    if not 0 < result.std_error < np.inf:
        return 1.0
    more = _usual_square(weight, residual) * np.dot(weight, weight) - np.dot(residual, residual)
    unit = result.rows * float(result.contribution.denominator.mean()) * result.std_error
    return float(np.sqrt(max(0.0, 1 + more / unit**2)))


def _weighted_residuals(part: Contribution) -> tuple[Vector, Vector]:
    """Return w and w e of the rows that have weight, e a reward, or a residual where a model or a ratio takes means."""
    if part.weight.ndim > 1:
        return np.zeros(1), np.zeros(1)
    has = part.weight > 0
    weight, numerator = part.weight[has], part.numerator[has]
    ratio = numerator.sum() / weight.sum() if part.denominator is part.weight and has.any() else 0.0
    return weight, numerator - ratio * weight


def _usual_square(weight: Vector, residual: Vector) -> float:
    """Return the mean of e^2 under the target, sum w e^2 / sum w; 0 without weight."""
    total = float(weight.sum())
    square = np.divide(residual**2, weight, out=np.zeros_like(residual), where=weight > 0)
    return float(square.sum()) / total if total > 0 else 0.0
