"""Which policy is better, paired: every replicate resamples the same users for both."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recenv.ope.bootstrap import percentile_interval
from recenv.ope.student import student_interval

COLUMNS = (
    "difference",
    "std_error",
    "lower",
    "upper",
    "lower_simultaneous",
    "upper_simultaneous",
    "p_adjusted",
)


def differences(
    values: NDArray[np.float64],
    draws: NDArray[np.float64],
    pairs: Sequence[tuple[int, int]],
    *,
    confidence: float,
    clusters: int,
    method: str,
) -> list[dict[str, Any]]:
    """Return one record a pair (i, j): value i minus value j, with its own and a simultaneous interval.

    The simultaneous interval is difference -+ c * std_error, c the quantile over replicates of the largest
    |difference* - difference| / std_error of all pairs, and `p_adjusted` the share of replicates in which that maximum
    exceeds the pair's own: with either, the chance of one false winner among all pairs is bounded.
    Reference: Romano and Wolf (2005).

    Parameters
    ----------
    values : (K,) array
        Estimates.
    draws : (B, K) array
        The same under a shared resample.
    method : str
        "student" for the pairs' own intervals, else percentiles.
    """
    left, right = np.array(pairs, dtype=np.int64).reshape(-1, 2).T
    gap, moved = values[left] - values[right], draws[:, left] - draws[:, right]
    error = _spread(moved, (1 - confidence) / 2)
    deviation = np.abs(moved - gap)
    with np.errstate(divide="ignore", invalid="ignore"):
        largest = np.nanmax(np.where(error > 0, deviation / error, 0.0), axis=1, initial=0.0)
        own = np.where(error > 0, np.abs(gap) / error, np.where(gap == 0, 0.0, np.inf))
    critical = float(np.quantile(largest, confidence))
    return [
        _record(gap[k], error[k], moved[:, k], own[k], largest, critical, confidence, clusters, method)
        for k in range(len(gap))
    ]


def _spread(moved: NDArray[np.float64], tail: float) -> NDArray[np.float64]:
    """Return the standard deviation of each column, infinite where too many replicates have no overlap."""
    lost = np.isnan(moved).mean(axis=0)
    result = np.full(moved.shape[1], np.inf)
    usable = lost <= tail
    result[usable] = np.nanstd(moved[:, usable], axis=0, ddof=1)
    # Two policies with the same terms differ by rounding only.
    return np.where(result <= 1e-12 * np.nanmax(np.abs(moved), initial=1.0), 0.0, result)


def _record(
    gap: float,
    error: float,
    moved: NDArray[np.float64],
    own: float,
    largest: NDArray[np.float64],
    critical: float,
    confidence: float,
    clusters: int,
    method: str,
) -> dict[str, Any]:
    if np.isnan(gap) or np.isinf(error):
        return dict(zip(COLUMNS, (gap, np.inf, -np.inf, np.inf, -np.inf, np.inf, 1.0), strict=True))
    if method == "student":
        own_interval = student_interval(gap, error, clusters, confidence)
    else:
        own_interval = percentile_interval(moved, confidence)
    p = float((1 + np.count_nonzero(largest >= own)) / (1 + len(largest)))
    wide = critical * error
    return dict(zip(COLUMNS, (gap, error, *own_interval, gap - wide, gap + wide, p), strict=True))
