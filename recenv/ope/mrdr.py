"""Fitting a reward model for the estimator that will correct it, not for its own sake."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from recenv.ope.terms import BanditTerms


def mrdr_weight(propensity: ArrayLike, target: ArrayLike) -> NDArray[np.float64]:
    """Return row weights (n,) under which least squares minimises the variance of the doubly robust estimate.

        weight = target^2 (1 - propensity) / propensity^2,   scaled to mean 1

    The diagonal of the paper's quadratic form: exact for a deterministic target; else residuals of different items at
    the same state are taken as uncorrelated. The weights are of one target policy, so each has its own model: fit it by
    `cross_fit(feedback, factory, weight=mrdr_weight(propensity, target))`.
    Reference: Farajtabar, Chow and Ghavamzadeh (2018).

    Raises
    ------
    ValueError
        If an entry is no probability, or no row has weight.
    """
    logged, wanted = np.asarray(propensity, dtype=np.float64), np.asarray(target, dtype=np.float64)
    BanditTerms(reward=np.zeros(len(logged)), propensity=logged, target=wanted)  # checks both
    weight = wanted**2 * (1 - logged) / logged**2
    if not weight.any():
        raise ValueError("no logged row has weight under this policy, or logging was certain: mrdr has nothing to fit")
    return np.asarray(weight / weight.mean())
