"""What is counted in every replication, and how the counts become a number with a standard error."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from recenv.ope.ranking_metrics import rank_correlation, regret_at_k, sharpe_ratio_at_k
from recenv.ope.verdict import LEVELS

Vector = NDArray[np.float64]
_TWO_AND_TWO = np.array([[1.0, 1.0], [1.0, 1.0], [0.0, 1.0], [0.0, 1.0]])


class Outcomes(NamedTuple):
    """What one estimator said in R replications of one world, about K policies."""

    value: Vector
    """(R, K) estimates; NaN where it gave no number."""
    lower: Vector
    """(R, K) ends of the intervals."""
    upper: Vector
    level: NDArray[np.int64]
    """(R, K) verdicts, as places in `LEVELS`."""
    truth: Vector
    """(R, K) true values."""
    truth_std_error: Vector
    """(R, K) how well these are known."""
    logged: Vector
    """(R,) value of the logging policy by the log itself."""
    false_winner: Vector
    """(R, 3) whether a difference was declared that is none: by the simultaneous interval, by it with verdict `ok`,
    by the adjusted p value; NaN where there is one policy."""


class Metric(NamedTuple):
    """One measure of reliability."""

    score: Callable[[Outcomes], tuple[Vector, Vector]]
    """(R,) sums and (R,) counts of every replication: the metric is the ratio of their totals."""
    better: Literal["low", "high"] = "low"
    """Which end is good; of a bias, its size."""
    kind: Literal["mean", "root", "rate"] = "mean"
    """A mean, the square root of one, or a share of cases."""


def metrics(k: Sequence[int]) -> dict[str, Metric]:
    """Return all measures, those of choosing among policies at every k."""
    chosen = {f"regret@{n}": Metric(partial(_regret, k=n)) for n in k}
    chosen |= {f"sharpe_ratio@{n}": Metric(partial(_sharpe_ratio, k=n), "high") for n in k}
    return {
        "bias": Metric(lambda one: _mean(one.value - one.truth)),
        "rmse": Metric(lambda one: _mean((one.value - one.truth) ** 2), kind="root"),
        "coverage": Metric(lambda one: _mean(_covered(one)), "high", "rate"),
        "coverage_ok": Metric(lambda one: _mean(np.where(one.level == 0, _covered(one), np.nan)), "high", "rate"),
        "width": Metric(_width),
        "abstention": Metric(lambda one: _mean(one.level == len(LEVELS) - 1), kind="rate"),
        "unanswered": Metric(lambda one: _mean(np.isnan(one.value)), kind="rate"),
        "rank_correlation": Metric(lambda one: _mean(rank_correlation(one.value, one.truth)[:, None]), "high"),
        **chosen,
        "false_winner_rate": Metric(partial(_false_winner, by=0), kind="rate"),
        "false_winner_rate_ok": Metric(partial(_false_winner, by=1), kind="rate"),
        "false_winner_rate_p": Metric(partial(_false_winner, by=2), kind="rate"),
        "truth_std_error": Metric(lambda one: _mean(one.truth_std_error)),
    }


def summarise(scores: Vector, metric: Metric) -> tuple[float, float]:
    """Return a metric and its standard error over replications, NaN where nothing was counted.

    The error is that of a ratio of totals; of a square root by the delta method. Where a share is the same in all
    replications, its error is that of two more with and two without, so that 20 of 20 does not claim to be certain.
    Reference: Agresti and Coull (1998), `agresti1998approximate`.

    Parameters
    ----------
    scores : (R, 2) array
        Sums and counts.
    """
    total, count = scores.sum(axis=0)
    if count == 0:
        return np.nan, np.nan
    value = float(total / count)
    error = _ratio_error(scores)
    if metric.kind == "rate" and error == 0:
        error = _ratio_error(np.vstack([scores, count / len(scores) * _TWO_AND_TWO]))
    if metric.kind == "root":
        value = float(np.sqrt(value))
        error = error / (2 * value) if value > 0 else 0.0
    return value, error


def _ratio_error(scores: Vector) -> float:
    total, count = scores.sum(axis=0)
    residual = scores[:, 0] - total / count * scores[:, 1]
    return float(np.sqrt((residual**2).sum() * len(scores) / (len(scores) - 1)) / count)


def resampled(scores: Vector, metric: Metric, times: Vector) -> Vector:
    """Return a metric (B,) when replication r counts times[b, r]; NaN where nothing is counted."""
    total, count = (times @ scores).T
    value = np.divide(total, count, out=np.full(len(times), np.nan), where=count > 0)
    return np.sqrt(value) if metric.kind == "root" else value


def loss(value: Vector, metric: Metric, name: str) -> Vector:
    """Return what is to be small: the size of a bias, the metric, or minus it where high is good."""
    if name == "bias":
        return np.abs(value)
    return -value if metric.better == "high" else value


def _mean(cells: NDArray) -> tuple[Vector, Vector]:
    known = ~np.isnan(cells)
    return np.where(known, cells, 0.0).sum(axis=1), known.sum(axis=1).astype(np.float64)


def _covered(one: Outcomes) -> Vector:
    return ((one.lower <= one.truth) & (one.truth <= one.upper)).astype(np.float64)


def _width(one: Outcomes) -> tuple[Vector, Vector]:
    bounded = np.isfinite(one.lower) & np.isfinite(one.upper)
    return _mean(np.subtract(one.upper, one.lower, out=np.full(one.lower.shape, np.nan), where=bounded))


def _regret(one: Outcomes, k: int) -> tuple[Vector, Vector]:
    return _mean(regret_at_k(one.value, one.truth, k)[:, None])


def _sharpe_ratio(one: Outcomes, k: int) -> tuple[Vector, Vector]:
    known = one.logged[~np.isnan(one.logged)]
    logged = float(known.mean()) if len(known) else np.nan
    return _mean(sharpe_ratio_at_k(one.value, one.truth, logged, k)[:, None])


def _false_winner(one: Outcomes, by: int) -> tuple[Vector, Vector]:
    return _mean(one.false_winner[:, [by]])
