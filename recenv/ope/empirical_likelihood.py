"""The most likely value given that the weights' mean is known to be 1, and the values that are nearly as likely."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from recenv.ope.clusters import cluster_codes, clustered_error
from recenv.ope.contribution import Contribution
from recenv.ope.step_weighting import linearised
from recenv.ope.terms import BanditTerms

Vector = NDArray[np.float64]
TOLERANCE = 1e-12
"""Of the multiplier; values are exact to about the same."""


def empirical_likelihood(terms: BanditTerms) -> Contribution:
    """Return the empirical likelihood estimate: sum_i p_i w_i r_i, p the most likely distribution with sum p w = 1.

        p_i = 1 / (n (1 + beta (w_i - 1))),   sum_i (w_i - 1) / (1 + beta (w_i - 1)) = 0

    First-order equal to IPS with the weights' mean as a control variate, hence never less precise than IPS or SNIPS
    in large logs. Weights are at least 0 and at most `weight_max` (else the largest one seen); a part of the weight
    that is left to rows the log does not have earns the mean logged reward.
    Reference: Karampatziakis, Langford and Mineiro (2020); Owen (2001).
    """
    weight, reward = terms.weight, terms.reward
    beta, inside = multiplier(weight, terms.weight_max)
    scale = 1 + beta * (weight - 1)
    term, moment = weight * reward / scale, (weight - 1) / scale
    used = weight / scale
    unseen = max(0.0, 1 - float(used.mean()))
    value = float(term.mean()) + unseen * float(reward.mean())
    if inside:  # beta moves with the rows: d value / d beta over d mean(moment) / d beta
        influence = term - float((term * moment).mean() / (moment**2).mean()) * moment
    else:
        influence = term + unseen * reward - float(reward.mean()) * used
    influence -= influence.mean()
    return linearised(value, influence, weight)


def multiplier(weight: Vector, weight_max: float | None) -> tuple[float, bool]:
    """Return beta of weights (n,), and whether it solves the mean equation or stands at an end of its range.

    1 + beta (w - 1) must be at least 0 for weights of 0 and `weight_max` (else the largest one seen).
    """
    from scipy.optimize import brentq

    largest = max(float(weight.max()), 1.0) if weight_max is None else weight_max
    low, high = (-1 / (largest - 1) if largest > 1 else 0.0), 1.0

    def slope(beta: float) -> float:
        scale = 1 + beta * (weight - 1)
        with np.errstate(divide="ignore"):
            return float(np.mean((weight - 1) / np.maximum(scale, 1e-300)))

    low, high = low * (1 - 1e-12), high * (1 - 1e-12)  # at the very ends a weight would have a scale of 0
    if slope(low) <= 0:
        return low, False
    if slope(high) >= 0:
        return high, False
    return float(brentq(slope, low, high, xtol=TOLERANCE)), True


def empirical_likelihood_interval(terms: BanditTerms, *, confidence: float = 0.95) -> tuple[float, float]:
    """Return the smallest and largest value whose likelihood is within chi2_1(confidence) / 2 of the largest.

    The smallest is the dual's maximum over a, b >= 0, with W the largest weight and m the smallest reward,

        exp(mean_i log(a (1 - w_i / W) + b w_i + w_i (r_i - m)) - c) - a (1 - 1 / W) - b + m

    Asymptotic, within the rewards' range, and not symmetric. Where users repeat, c grows by the ratio of the variance
    by user to that by row. Reference: Karampatziakis, Langford and Mineiro (2020); Rao and Scott (1981) for clusters.

    Raises
    ------
    ValueError
        If terms.reward_range is missing, or confidence is not between 0 and 1.
    """
    from scipy.special import chdtri

    if terms.reward_range is None:
        raise ValueError("empirical_likelihood_interval needs terms.reward_range, the a-priori (low, high) of a reward")
    if not 0 < confidence < 1:
        raise ValueError(f"confidence must be between 0 and 1, not {confidence}: 0.95 is usual")
    weight, (low, high) = terms.weight, terms.reward_range
    if not weight.any():
        return -float("inf"), float("inf")
    largest = max(float(weight.max()), 1.0) if terms.weight_max is None else terms.weight_max
    beta, _ = multiplier(weight, terms.weight_max)
    reach = float(chdtri(1, 1 - confidence)) / 2 * _design_effect(terms) / terms.rows
    reach += float(np.log(1 + beta * (weight - 1)).mean())
    lower = low + _smallest(weight, terms.reward - low, largest, reach)
    upper = high - _smallest(weight, high - terms.reward, largest, reach)
    return max(lower, low), min(upper, high)


def _smallest(weight: Vector, gain: Vector, largest: float, reach: float) -> float:
    """Return the smallest likely mean of w times `gain` >= 0; the dual is concave in a and b."""
    from scipy.optimize import minimize

    share, fixed = weight / largest, weight * gain
    unit = max(float(fixed.mean()), 1e-12)
    price = np.array([1 - 1 / largest, 1.0])

    def loss(point: Vector) -> tuple[float, Vector]:
        level = point[0] * (1 - share) + point[1] * weight + fixed / unit
        mean = float(np.exp(np.log(level).mean() - reach))
        slope = mean * np.array([((1 - share) / level).mean(), (weight / level).mean()])
        return float(price @ point) - mean, price - slope

    options = {"maxfun": 10_000, "ftol": 1e-14, "xtol": 1e-12, "gtol": 1e-10}
    found = minimize(loss, np.ones(2), jac=True, method="TNC", bounds=[(1e-12, None)] * 2, options=options)
    return max(0.0, -float(found.fun) * unit)


def _design_effect(terms: BanditTerms) -> float:
    if terms.cluster is None:
        return 1.0
    influence = empirical_likelihood(terms).influence()
    codes, groups = cluster_codes(terms.cluster, terms.rows)
    rows = clustered_error(influence, *cluster_codes(None, terms.rows))
    ratio = (clustered_error(influence, codes, groups) / rows) ** 2 if rows > 0 else 1.0
    return max(1.0, ratio)
