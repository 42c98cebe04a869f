"""One resample of users, shared by all estimates, so that their differences are paired."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from recenv.ope.clusters import cluster_sums, pool_clusters
from recenv.ope.estimate import Estimate

MAX_GROUPS = 20_000
"""More clusters than this are pooled at random, see `pool_clusters`."""
_BLOCK = 16


def bootstrap(estimate: Estimate, *, confidence: float, replicates: int = 1_000, seed: int = 0) -> tuple[float, float]:
    """Return the percentile interval of a bootstrap by cluster.

    Numerator and denominator of a self-normalised estimator are both recomputed in every replicate.
    Reference: Efron (1979); Field and Welsh (2007) for clusters.
    """
    rng = np.random.default_rng(seed)
    codes, groups = pool_clusters(estimate.codes, estimate.clusters, MAX_GROUPS, rng)
    size = np.bincount(codes, minlength=groups).astype(np.float64)
    draws = resample(group_sums(estimate, codes, groups), size, replicates=replicates, rng=rng)
    return percentile_interval(draws[:, 0], confidence)


def percentile_interval(draws: NDArray[np.float64], confidence: float) -> tuple[float, float]:
    """Return the percentiles of draws (B,); without overlap in too many replicates, everything."""
    tail = (1 - confidence) / 2
    lost = np.isnan(draws)
    if lost.mean() > tail:
        return -float("inf"), float("inf")
    lower, upper = np.quantile(draws[~lost], [tail, 1 - tail])
    return float(lower), float(upper)


def group_sums(estimate: Estimate, codes: NDArray[np.integer], groups: int) -> NDArray[np.float64]:
    """Return the sums of base, numerator and denominator by group, (J, 3): all that a resample needs."""
    parts = estimate.contribution.base, estimate.contribution.numerator, estimate.contribution.denominator
    return np.stack([cluster_sums(part, codes, groups) for part in parts], axis=1)


def resample(
    sums: NDArray[np.float64], size: NDArray[np.float64], *, replicates: int, rng: np.random.Generator
) -> NDArray[np.float64]:
    """Return K estimates in every replicate, (B, K), under the same draws of groups.

    A replicate draws J groups with replacement and recomputes base, numerator, denominator and number of rows. A
    replicate without any overlap is NaN where an estimator divides by its weights.

    Parameters
    ----------
    sums : (J, 3 K) array
        `group_sums` of K estimates side by side.
    size : (J,) or (J, K) array
        Rows of each group, the same for all estimates or each estimate's own, such as sessions.

    Raises
    ------
    ValueError
        If there are fewer than 2 replicates or groups.
    """
    groups = len(size)
    if replicates < 2:
        raise ValueError(f"replicates must be at least 2, not {replicates}: 1000 is usual")
    if groups < 2:
        raise ValueError("a bootstrap needs at least two clusters: one user says nothing about the spread of users")
    draws, memory = np.empty((replicates, sums.shape[1] // 3)), np.empty((min(_BLOCK, replicates), groups))
    for start in range(0, replicates, _BLOCK):
        stop = min(start + _BLOCK, replicates)
        counts = _draw_counts(memory[: stop - start], rng)
        total, rows = counts @ sums, (counts @ size).reshape(stop - start, -1)
        with np.errstate(divide="ignore", invalid="ignore"):
            draws[start:stop] = total[:, 0::3] / rows + total[:, 1::3] / total[:, 2::3]
    return draws


def _draw_counts(counts: NDArray[np.float64], rng: np.random.Generator) -> NDArray[np.float64]:
    """Fill in how often each group is drawn, (replicates, J): multinomial, as counts of uniform draws."""
    groups = counts.shape[1]
    for replicate in counts:
        replicate[:] = np.bincount(rng.integers(groups, size=groups), minlength=groups)
    return counts
