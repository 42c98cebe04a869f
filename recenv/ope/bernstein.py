"""A bound that also uses the observed variance."""

from __future__ import annotations

import numpy as np

from recenv.ope.cluster_terms import cluster_terms
from recenv.ope.estimate import Estimate


def empirical_bernstein(estimate: Estimate, *, confidence: float) -> tuple[float, float]:
    """Return value -+ sqrt(2 V ln(4 / delta) / G) + 7 R ln(4 / delta) / (3 (G - 1)).

    V is the sample variance of the cluster terms and R the width of the range that holds for all of them. Exact in
    finite samples for independent clusters; each side has delta / 2.
    Reference: Maurer and Pontil (2009), theorem 4 and its extension to terms that differ in distribution.
    """
    terms = cluster_terms(estimate, "empirical_bernstein")
    groups = estimate.clusters
    if groups < 2:
        return -float("inf"), float("inf")
    log = np.log(4 / (1 - confidence))
    reach = terms.upper.max() - terms.lower.min()
    width = float(np.sqrt(2 * terms.values.var(ddof=1) * log / groups) + 7 * reach * log / (3 * (groups - 1)))
    return estimate.value - width, estimate.value + width
