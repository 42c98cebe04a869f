"""Bounds that hold at every sample size at once, so that one may look at the log as often as one likes."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from recenv.ope.cluster_terms import cluster_terms
from recenv.ope.clusters import cluster_sums
from recenv.ope.estimate import Estimate

_CAP = 0.5
"""Largest bet: psi(bet) grows without limit towards 1."""
_PRIOR = 0.5
"""Standard deviation expected before the first cluster, as a share of the range; any value keeps the bound valid."""


class ConfidenceSequence(NamedTuple):
    """Bounds after each cluster, in the order in which the log first meets them."""

    lower: NDArray[np.float64]
    """(G,) never falls."""
    upper: NDArray[np.float64]
    """(G,) never rises."""


def confidence_sequence(estimate: Estimate, *, confidence: float) -> ConfidenceSequence:
    """Return bounds of which P(the value is outside at any time) <= 1 - confidence.

    Predictable plug-in empirical Bernstein: with X_g the mean term of cluster g, m_g a mean of those before, and bets
    c_g = eta_g (m_g - low) <= 1/2 chosen before X_g is seen,

        prod_g exp(eta_g (X_g - v) - psi(c_g) ((X_g - m_g) / (m_g - low))^2),    psi(c) = -log(1 - c) - c

    is a supermartingale at the true value v, since X_g >= low (Fan's inequality); Ville's inequality turns it into a
    lower bound, and the mirrored terms into an upper one. The lower bound does not depend on the largest weight.
    Sizes of the clusters are taken as given. References: Waudby-Smith and Ramdas (2024), JRSS B 86
    (`waudbysmith2024estimating`); Waudby-Smith et al. (2024) (`waudbysmith2022anytime`); Ville (1939).

    Raises
    ------
    ValueError
        If the estimator is biased or self-normalised, or its range is not known beforehand.
    """
    cluster_terms(estimate, "confidence_sequence")  # refuses what has no known range
    assert estimate.contribution.support is not None
    low, high = estimate.contribution.support
    mean, size = _cluster_means(estimate)
    log = np.log(2 / (1 - confidence))
    lower = _lower(mean, size, low, high, log)
    upper = -_lower(-mean, size, -high, -low, log)
    return ConfidenceSequence(np.maximum.accumulate(lower), np.minimum.accumulate(upper))


def sequence_interval(estimate: Estimate, *, confidence: float) -> tuple[float, float]:
    """Return the last bounds of the confidence sequence."""
    sequence = confidence_sequence(estimate, confidence=confidence)
    return float(sequence.lower[-1]), float(sequence.upper[-1])


def _cluster_means(estimate: Estimate) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return (G,) mean term and (G,) rows of each cluster, in the order of their first rows."""
    groups = estimate.clusters
    terms = estimate.contribution.base + estimate.contribution.numerator
    size = np.bincount(estimate.codes, minlength=groups).astype(np.float64)
    _, first = np.unique(estimate.codes, return_index=True)
    order = np.argsort(first)
    mean: NDArray[np.float64] = cluster_sums(terms, estimate.codes, groups) / size
    return mean[order], size[order]


def _lower(
    x: NDArray[np.float64], size: NDArray[np.float64], low: float, high: float, log: float
) -> NDArray[np.float64]:
    """Return (G,) lower bounds of the mean of x >= low after each cluster."""
    count = np.arange(1, len(x) + 1)
    prior = _PRIOR * (high - low)
    center = _before(np.cumsum(x) + low + prior, low + prior) / count  # one pseudo-cluster at low + prior
    center = np.maximum(center, low + 1e-12 * (high - low))
    variance = _before(np.cumsum((x - center) ** 2) + prior**2, prior**2) / count
    typical = _before(np.cumsum(size) + size[0], size[0]) / count
    bet = np.sqrt(2 * log / (variance * count * np.log1p(count))) * size / typical
    eta = np.minimum(bet, _CAP / (center - low))
    stake = eta * (center - low)
    penalty = (-np.log1p(-stake) - stake) * ((x - center) / (center - low)) ** 2
    bound: NDArray[np.float64] = (np.cumsum(eta * x) - np.cumsum(penalty) - log) / np.cumsum(eta)
    return np.maximum(bound, low)


def _before(running: NDArray[np.float64], start: float) -> NDArray[np.float64]:
    """Return the running value as it stood before each entry."""
    return np.concatenate([[start], running[:-1]])
