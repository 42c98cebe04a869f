"""Beyond the mean: distribution function, variance, quantiles and tail means of a weighted sample.

The sample is the return of episodes with the weights of `tis`, or the reward of rows with those of `ips`; both are
self-normalised, so the distribution function rises from 0 to 1.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from recenv.ope.contribution import Contribution, zeros_like
from recenv.ope.step_weighting import discounts, linearised
from recenv.ope.terms import BanditTerms
from recenv.ope.trajectory_terms import TrajectoryTerms

Vector = NDArray[np.float64]
Sample = tuple[Vector, Vector]
"""Values (n,) and weights (n,)."""


def returns(terms: TrajectoryTerms, gamma: float | None = None) -> Sample:
    """Return each episode's discounted return and the product of its ratios."""
    return terms.reward @ discounts(terms, gamma)[:-1], terms.weight


def rewards(terms: BanditTerms) -> Sample:
    """Return each row's reward and weight."""
    return terms.reward, terms.weight


def cdf(sample: Sample, at: float) -> Contribution:
    """Distribution function: sum w 1[x <= at] / sum w. Reference: Chandak et al. (2021)."""
    value, weight = sample
    return Contribution(zeros_like(weight), weight * (value <= at), weight, weight, pure_ratio=True)


def variance(sample: Sample) -> Contribution:
    """Variance: sum w (x - mean)^2 / sum w; influence w ((x - mean)^2 - variance) / mean(w)."""
    value, weight = sample
    total = weight.mean()
    if total == 0:
        return linearised(np.nan, np.full(len(weight), np.nan), weight)
    mean = (weight * value).mean() / total
    square = (value - mean) ** 2
    spread = float((weight * square).mean() / total)
    return linearised(spread, weight * (square - spread) / total, weight)


def quantile(sample: Sample, level: float) -> Contribution:
    """Smallest value whose distribution function reaches `level`, in (0, 1].

    The density at the quantile, which the influence divides by, is read off the distribution function between the
    levels two standard errors below and above. Reference: Woodruff (1952).
    """
    _check(level)
    value, weight = sample
    order, rise = _distribution(sample)
    if np.isnan(rise[-1]):
        return linearised(np.nan, np.full(len(weight), np.nan), weight)
    found = float(value[order][_reaching(rise, level)])
    influence = weight * ((value <= found) - _share(sample, found)) / weight.mean()
    reach = 2 * np.sqrt(np.mean(influence**2) / len(influence))
    low, high = (float(value[order][_reaching(rise, float(np.clip(level + move, 0, 1)))]) for move in (-reach, reach))
    return linearised(found, -influence * ((high - low) / (2 * reach) if reach > 0 else 0.0), weight)


def cvar(sample: Sample, level: float) -> Contribution:
    """Mean of the worst `level` share: sum w x 1[x <= q] / sum w 1[x <= q], q the quantile of that level.

    The whole of the value at the quantile is in the tail. Influence: that of q + mean(min(x - q, 0)) / level, which has
    the same limit and whose derivative in q is 0. Reference: Rockafellar and Uryasev (2000).
    """
    _check(level)
    value, weight = sample
    order, rise = _distribution(sample)
    if np.isnan(rise[-1]):
        return linearised(np.nan, np.full(len(weight), np.nan), weight)
    edge = float(value[order][_reaching(rise, level)])
    tail = weight * (value <= edge)
    found = float((tail * value).sum() / tail.sum())
    short = np.minimum(value - edge, 0.0) / _share(sample, edge)
    return linearised(found, weight * (short - (found - edge)) / weight.mean(), weight)


def _distribution(sample: Sample) -> tuple[NDArray[np.int64], Vector]:
    """Return the order of the values and the distribution function in that order; NaN without any weight."""
    value, weight = sample
    order = np.argsort(value, kind="stable")
    total = weight.sum()
    with np.errstate(invalid="ignore"):
        return order, np.cumsum(weight[order]) / total


def _reaching(rise: Vector, level: float) -> int:
    """Return the first place where the distribution function is `level`, which rounding may keep from 1."""
    return min(int(np.searchsorted(rise, level)), int(np.searchsorted(rise, rise[-1])))


def _share(sample: Sample, edge: float) -> float:
    value, weight = sample
    return float((weight * (value <= edge)).sum() / weight.sum())


def _check(level: float) -> None:
    if not 0 < level <= 1:
        raise ValueError(f"level must be in (0, 1], not {level}")


def return_cdf(terms: TrajectoryTerms, at: float, gamma: float | None = None) -> Contribution:
    """Chance that the target's discounted return is at most `at`."""
    return cdf(returns(terms, gamma), at)


def return_variance(terms: TrajectoryTerms, gamma: float | None = None) -> Contribution:
    """Variance of the target's discounted return."""
    return variance(returns(terms, gamma))


def return_quantile(terms: TrajectoryTerms, level: float, gamma: float | None = None) -> Contribution:
    """Quantile of the target's discounted return."""
    return quantile(returns(terms, gamma), level)


def return_cvar(terms: TrajectoryTerms, level: float, gamma: float | None = None) -> Contribution:
    """Mean of the worst `level` share of the target's discounted returns."""
    return cvar(returns(terms, gamma), level)


def reward_cdf(terms: BanditTerms, at: float) -> Contribution:
    """Chance that the reward of one decision of the target is at most `at`."""
    return cdf(rewards(terms), at)


def reward_variance(terms: BanditTerms) -> Contribution:
    """Variance of the reward of one decision of the target."""
    return variance(rewards(terms))


def reward_quantile(terms: BanditTerms, level: float) -> Contribution:
    """Quantile of the reward of one decision of the target."""
    return quantile(rewards(terms), level)


def reward_cvar(terms: BanditTerms, level: float) -> Contribution:
    """Mean of the worst `level` share of the rewards of one decision of the target."""
    return cvar(rewards(terms), level)
