"""The one form that every estimator here has, so that errors, resamples and merging are written once.

value = mean(base) + mean(numerator) / mean(denominator)
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray


class Contribution(NamedTuple):
    """What each logged row adds to an estimate."""

    base: NDArray[np.float64]
    """(n,) the part that is a plain mean: the reward model's expectation, or sums of several steps or positions."""
    numerator: NDArray[np.float64]
    """(n,) rewards or residuals times `weight`; 0 where no single weight is behind a row's term."""
    denominator: NDArray[np.float64]
    """(n,) ones, or the weights where the estimator normalises itself."""
    weight: NDArray[np.float64]
    """(n,) the weights as used, after clipping or shrinking; of `dm` all 0."""
    pure_ratio: bool = False
    """A ratio and nothing else: its textbook standard error has no small-sample factor (see `clustered_error`)."""
    support: tuple[float, float] | None = None
    """A-priori range of base + numerator where bounds are valid: unbiased, not self-normalised, range known."""

    def value(self) -> float:
        """Return the estimate; NaN where the denominator is 0."""
        total = self.denominator.mean()
        if total == 0:
            return float("nan")
        return float(self.base.mean() + self.numerator.mean() / total)

    def influence(self) -> NDArray[np.float64]:
        """Return each row's influence (n,), which has mean 0.

            psi_i = base_i - mean(base) + (numerator_i - ratio * denominator_i) / mean(denominator)

        With a denominator of ones this is the row's term minus the mean; otherwise it is the delta method's
        linearisation of the ratio, so the denominator's own noise counts.
        """
        total = self.denominator.mean()
        if total == 0:
            return np.full(len(self.base), np.nan)
        psi = np.multiply(self.denominator, -self.numerator.mean() / total)
        psi += self.numerator
        psi /= total
        psi += self.base
        psi -= self.base.mean()
        return psi


def ones_like(reward: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return a denominator of ones that takes no memory."""
    return np.broadcast_to(1.0, reward.shape)


def zeros_like(reward: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return a base of zeros that takes no memory."""
    return np.broadcast_to(0.0, reward.shape)
