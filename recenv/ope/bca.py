"""A bootstrap interval that corrects bias and skewness."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from recenv.ope.bootstrap import MAX_GROUPS, group_sums, percentile_interval, resample
from recenv.ope.clusters import pool_clusters
from recenv.ope.estimate import Estimate


def bca(estimate: Estimate, *, confidence: float, replicates: int = 2_000, seed: int = 0) -> tuple[float, float]:
    """Return the bias-corrected and accelerated interval of a bootstrap by cluster.

    Reference: Efron (1987), Better bootstrap confidence intervals, JASA 82 (`efron1987better`).
    """
    rng = np.random.default_rng(seed)
    codes, groups = pool_clusters(estimate.codes, estimate.clusters, MAX_GROUPS, rng)
    size = np.bincount(codes, minlength=groups).astype(np.float64)
    sums = group_sums(estimate, codes, groups)
    draws = resample(sums, size, replicates=replicates, rng=rng)[:, 0]
    return bca_interval(draws, estimate.value, sums, size, confidence)


def bca_interval(
    draws: NDArray[np.float64],
    value: float,
    sums: NDArray[np.float64],
    size: NDArray[np.float64],
    confidence: float,
) -> tuple[float, float]:
    """Return percentiles of draws (B,), moved by z0 (median bias) and a (acceleration).

        level(z) = Phi(z0 + (z0 + z) / (1 - a (z0 + z)))

    z0 is the normal quantile of the share of draws below the value, ties counted half; a the skewness of the
    estimates that leave out one group.

    Parameters
    ----------
    sums, size : (J, 3) and (J,) arrays
        `group_sums` of the estimate, and the rows of each group.
    """
    from scipy.special import ndtr, ndtri

    lost = np.isnan(draws)
    if lost.mean() > (1 - confidence) / 2:
        return -float("inf"), float("inf")
    kept = draws[~lost]
    below = (np.count_nonzero(kept < value) + 0.5 * np.count_nonzero(kept == value)) / len(kept)
    if not 0 < below < 1:
        return percentile_interval(draws, confidence)
    z0, a = float(ndtri(below)), acceleration(sums, size)
    tails = z0 + ndtri(np.array([(1 - confidence) / 2, (1 + confidence) / 2]))
    lower, upper = np.quantile(kept, ndtr(z0 + tails / (1 - a * tails)))
    return float(lower), float(upper)


def acceleration(sums: NDArray[np.float64], size: NDArray[np.float64]) -> float:
    """Return sum d^3 / (6 (sum d^2)^1.5), d the jackknife's deviations from their mean.

    The estimates without one group follow from the group sums, so all of them cost one pass.
    """
    base, numerator, denominator = (sums.sum(axis=0) - sums).T
    with np.errstate(divide="ignore", invalid="ignore"):
        without = base / (size.sum() - size) + numerator / denominator
    deviation = np.nanmean(without) - without[np.isfinite(without)]
    spread = np.sum(deviation**2)
    return float(np.sum(deviation**3) / (6 * spread**1.5)) if spread > 0 else 0.0
