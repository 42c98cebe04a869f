"""An estimate as the mean of independent, bounded cluster terms, for bounds that hold in finite samples."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from recenv.ope.clusters import cluster_sums
from recenv.ope.estimate import Estimate


class ClusterTerms(NamedTuple):
    """G independent terms whose mean is the estimate."""

    values: NDArray[np.float64]
    """(G,) cluster sum times G / n."""
    lower: NDArray[np.float64]
    """(G,) a-priori lower end of each term."""
    upper: NDArray[np.float64]
    """(G,) a-priori upper end."""


def cluster_terms(estimate: Estimate, method: str) -> ClusterTerms:
    """Return the terms of an estimate whose range is known before the data.

    The sizes of the clusters are taken as given.

    Raises
    ------
    ValueError
        If the estimator is biased or self-normalised, or its range is not known beforehand.
    """
    support = estimate.contribution.support
    if support is None:
        raise ValueError(
            f"{method} does not apply to {estimate.name}: it needs an unbiased mean such as ips, dr or pdis, terms "
            "with reward_range= and weight_max=, and a reward model within that range; use student or bootstrap"
        )
    groups, scale = estimate.clusters, estimate.clusters / estimate.rows
    sums = cluster_sums(estimate.contribution.base + estimate.contribution.numerator, estimate.codes, groups)
    size = np.bincount(estimate.codes, minlength=groups) * scale
    return ClusterTerms(sums * scale, np.multiply(size, support[0]), np.multiply(size, support[1]))
