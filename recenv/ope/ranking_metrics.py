"""How well estimates choose among policies: rank correlation, regret@k, SharpeRatio@k."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Vector = NDArray[np.float64]


def rank_correlation(values: Vector, truth: Vector) -> Vector:
    """Return Spearman's rank correlation (R,) of estimates (R, K) and true values (R, K) over K policies.

    Ties share their rank; a policy without an estimate (NaN) ranks last. Estimates that are all equal say nothing: 0.
    NaN where the true values are all equal.
    """
    from scipy.stats import rankdata

    left, right = (rankdata(one, axis=1) for one in (_answered(values), truth))
    left, right = (one - one.mean(axis=1, keepdims=True) for one in (left, right))
    size = np.sqrt((left**2).sum(axis=1) * (right**2).sum(axis=1))
    correlation = np.divide((left * right).sum(axis=1), size, out=np.zeros(len(size)), where=size > 0)
    return np.where(_undecided(truth), np.nan, correlation)


def regret_at_k(values: Vector, truth: Vector, k: int) -> Vector:
    """Return (R,) how much the best policy is better than the best of the k with the highest estimates.

    max_j V_j - max_{j in top k} V_j; estimates that tie, or are NaN, are taken in the worst order.
    NaN where there are fewer than k policies.
    Reference: Doroudi et al. (2017), `doroudi2017importance`.

    Parameters
    ----------
    values, truth : (R, K) arrays
        Estimates and true values V.
    """
    if k > truth.shape[1]:
        return np.full(len(truth), np.nan)
    regret: Vector = truth.max(axis=1) - _top(values, truth, k).max(axis=1)
    return regret


def sharpe_ratio_at_k(values: Vector, truth: Vector, logged: float, k: int) -> Vector:
    """Return (R,) what a test of the k policies with the highest estimates gains, against how risky it is.

    (max_{j in P} V_j - V_logging) / std_{j in P} V_j, where P is the top k and the logging policy, which is in the test
    too: the ratio is never negative. NaN where all true values are equal, there are fewer than k
    policies, or nothing is known of the logging policy.
    Reference: Kiyohara et al. (2024), `kiyohara2024towards`.

    Parameters
    ----------
    values, truth : (R, K) arrays
        Estimates and true values V.
    logged : float
        V_logging, the value of the policy that made the log.
    """
    if k > truth.shape[1] or np.isnan(logged):
        return np.full(len(truth), np.nan)
    portfolio = np.column_stack([_top(values, truth, k), np.full(len(truth), logged)])
    gain, risk = portfolio.max(axis=1) - logged, portfolio.std(axis=1)
    ratio = np.divide(gain, risk, out=np.zeros(len(gain)), where=risk > 0)
    return np.where(_undecided(truth), np.nan, ratio)


def _top(values: Vector, truth: Vector, k: int) -> Vector:
    """Return (R, k) true values of the policies with the highest estimates; of equal ones the worst come first."""
    order = np.lexsort((truth, -_answered(values)), axis=1)[:, :k]
    return np.take_along_axis(truth, order, axis=1)


def _answered(values: Vector) -> Vector:
    return np.where(np.isnan(values), -np.inf, values)


def _undecided(truth: Vector) -> NDArray[np.bool_]:
    equal: NDArray[np.bool_] = np.ptp(truth, axis=1) == 0
    return equal
