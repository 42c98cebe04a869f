"""A bound that holds for any distribution within a known range."""

from __future__ import annotations

import numpy as np

from recenv.ope.cluster_terms import cluster_terms
from recenv.ope.estimate import Estimate


def hoeffding(estimate: Estimate, *, confidence: float) -> tuple[float, float]:
    """Return value -+ sqrt(sum_g range_g^2 * ln(2 / delta) / 2) / G, delta = 1 - confidence.

    Exact in finite samples for independent clusters, and wide. Reference: Hoeffding (1963), theorem 2.
    """
    terms = cluster_terms(estimate, "hoeffding")
    spread = np.sum((terms.upper - terms.lower) ** 2)
    width = float(np.sqrt(spread * np.log(2 / (1 - confidence)) / 2) / estimate.clusters)
    return estimate.value - width, estimate.value + width
