"""How wrong an estimate can be when the logging policy saw something that was not logged.

Marginal sensitivity model: the odds of the logged item given what the logger really saw differ from the logged odds by
a factor of at most `strength`. Tan (2006) (`tan2006distributional`); Zhao, Small and Bhattacharya (2019)
(`zhao2019sensitivity`); for policies Kallus and Zhou (2018) (`kallus2018confounding`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from recenv.ope.clusters import cluster_codes, clustered_error
from recenv.ope.cutting_planes import minimise_convex
from recenv.ope.student import student_interval
from recenv.ope.terms import BanditTerms

Vector = NDArray[np.float64]
STRENGTHS = (1.0, 1.1, 1.25, 1.5, 2.0, 3.0, 5.0)


class Bounds(NamedTuple):
    """What is possible at one strength."""

    strength: float
    """Largest odds ratio of hidden confounding; 1 is none."""
    low: float
    """Smallest value that any confounder of this strength could have hidden in this log."""
    high: float
    """Largest."""
    lower: float
    """`low` less the noise of the sample."""
    upper: float
    """`high` plus the noise of the sample."""


@dataclass(frozen=True)
class Sensitivity:
    """Bounds by strength."""

    curve: tuple[Bounds, ...]
    """By strength, ascending."""
    overturned_at: float
    """Strength from which the interval contains 0; 1 where it does without confounding, infinity beyond the largest
    strength tried. For a difference it is the strength at which the winner is no longer sure."""
    point_overturned_at: float
    """The same for the sample's own bounds, without noise: where the winner could change."""


def value_sensitivity(
    terms: BanditTerms, *, strengths: tuple[float, ...] = STRENGTHS, confidence: float = 0.95
) -> Sensitivity:
    """Return the bounds of a policy's self-normalised value.

        max / min over W of sum W t r / S  with  sum W t = S,  1 + (1/p - 1)/strength <= W <= 1 + (1/p - 1) strength

    S is sum t/p. At strength 1 both are `snips`. See `difference_sensitivity` for the arguments.
    """
    return _sensitivity(_Problem.of(terms, [terms.target], [1.0]), strengths, confidence)


def difference_sensitivity(
    terms: BanditTerms, other: BanditTerms, *, strengths: tuple[float, ...] = STRENGTHS, confidence: float = 0.95
) -> Sensitivity:
    """Return the bounds of one policy's value minus another's on the same log.

    Both meet the same hidden confounder, so the bounds are narrower than those of the two values apart.

    Parameters
    ----------
    terms, other : BanditTerms
        Same rows, two targets.
    strengths : tuple of float
        Odds ratios, each at least 1.
    confidence : float
        Of `lower` and `upper`, together.

    Raises
    ------
    ValueError
        If the records are of different logs, or a strength is below 1.
    """
    if not (np.array_equal(terms.reward, other.reward) and np.array_equal(terms.propensity, other.propensity)):
        raise ValueError("other must have the rows of terms: rewards and propensities differ")
    problem = _Problem.of(terms, [terms.target, other.target], [1.0, -1.0])
    return _sensitivity(problem, strengths, confidence)


def against_log_sensitivity(
    terms: BanditTerms, *, strengths: tuple[float, ...] = STRENGTHS, confidence: float = 0.95
) -> Sensitivity:
    """Return the bounds of a policy's value minus what the log earned, which no confounder can change."""
    return _sensitivity(_Problem.of(terms, [terms.target], [1.0], terms.reward), strengths, confidence)


class _Problem(NamedTuple):
    """max over W of mean(W * gain - less) subject to mean(W * share_k) = 1 for every target k, and box bounds on W."""

    odds: Vector
    """(n,) 1 / p - 1."""
    gain: Vector
    """(n,)."""
    share: Vector
    """(n, K)."""
    start: Vector
    """(K,) multipliers of strength 1, where the rows of the dual are the influence of `snips`: its signed values."""
    less: Vector
    """(n,) what is subtracted from every row's term whatever W is."""
    codes: NDArray[np.int64]
    clusters: int

    @classmethod
    def of(cls, terms: BanditTerms, targets: list[Vector], signs: list[float], less: Vector | None = None) -> _Problem:
        propensity, reward = terms.propensity, terms.reward
        share = np.stack(targets, axis=1)
        total = (share / propensity[:, None]).mean(axis=0)
        if not total.all():
            raise ValueError("no logged row shows an item that the policy would show: there is nothing to bound")
        share = share / total
        start = signs * (share * (reward / propensity)[:, None]).mean(axis=0)
        clusters = cluster_codes(terms.cluster, terms.rows)
        less = np.zeros(len(reward)) if less is None else less
        return cls(1 / propensity - 1, reward * (share @ signs), share, start, less, *clusters)

    def mirrored(self) -> _Problem:
        """Return the problem whose maximum is the negative of this one's minimum."""
        return self._replace(gain=-self.gain, start=-self.start, less=-self.less)


def _sensitivity(problem: _Problem, strengths: tuple[float, ...], confidence: float) -> Sensitivity:
    if not strengths or min(strengths) < 1:
        raise ValueError(f"strengths must be odds ratios of 1 or more, got {strengths}")
    curve = tuple(_bounds(problem, strength, confidence) for strength in sorted(strengths))
    return Sensitivity(
        curve,
        _crossing(problem, curve, confidence, noise=True),
        _crossing(problem, curve, confidence, noise=False),
    )


def _bounds(problem: _Problem, strength: float, confidence: float) -> Bounds:
    high, upper = _highest(problem, strength, confidence)
    low, lower = _highest(problem.mirrored(), strength, confidence)
    return Bounds(strength, -low, high, -lower, upper)


def _highest(problem: _Problem, strength: float, confidence: float) -> tuple[float, float]:
    """Return the largest value and its upper confidence limit, by the dual of the linear programme.

        min over m of sum(m) + mean(max over W in its box of W (gain - share . m))

    is convex in the K multipliers m, and by weak duality every m gives a valid bound: an optimiser that stops early
    only widens it. At a fixed m the bound is a mean over rows, so its standard error is that of a mean.
    """
    smallest, largest = 1 + problem.odds / strength, 1 + problem.odds * strength

    def dual(multiplier: Vector) -> tuple[float, Vector]:
        slack = problem.gain - problem.share @ multiplier
        weight = np.where(slack > 0, largest, smallest)
        return float(weight @ slack / len(slack) + multiplier.sum()), 1 - weight @ problem.share / len(slack)

    best = minimise_convex(dual, problem.start, reach=10 * float(np.abs(problem.gain).max()) + 1e-12)
    slack = problem.gain - problem.share @ best
    rows = np.where(slack > 0, largest, smallest) * slack + best.sum() - problem.less
    error = clustered_error(rows - rows.mean(), problem.codes, problem.clusters)
    return float(rows.mean()), student_interval(float(rows.mean()), error, problem.clusters, confidence)[1]


def _crossing(problem: _Problem, curve: tuple[Bounds, ...], confidence: float, *, noise: bool) -> float:
    """Return the strength at which the bounds first contain 0, by bisection between two strengths of the curve."""

    def contains(bounds: Bounds) -> bool:
        return bounds.lower <= 0 <= bounds.upper if noise else bounds.low <= 0 <= bounds.high

    inside = [bounds.strength for bounds in curve if contains(bounds)]
    outside = [bounds.strength for bounds in curve if not contains(bounds)]
    if not inside:
        return float("inf")
    if not outside:
        return 1.0
    low, high = max(s for s in outside if s < inside[0]) if outside[0] < inside[0] else 1.0, inside[0]
    while high - low > 0.01:
        middle = (low + high) / 2
        low, high = (low, middle) if contains(_bounds(problem, middle, confidence)) else (middle, high)
    return high
