"""Residuals that should depend on nothing: not on the user, the item or how likely the pair was to be rated.

The residual is the standard normal quantile of the randomised PIT. What is left of users or items is their share of
the residual variance, by pairs of ratings of one group: sum of products of different rows over their number,
divided by the variance (an intraclass correlation; Fisher 1925, `fisher1925statistical`). 0: none; 0.01: 1% of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recenv.causal.validation.bootstrap import Estimate, UserBootstrap
from recenv.causal.validation.predicted import Predicted, normal_residual


def residual_tests(
    rows: Predicted, exposure: Mapping[str, NDArray[np.float64]], draws: UserBootstrap
) -> dict[str, Any]:
    """Return, for user, item and each measure of exposure, the effect size, its interval and p of no dependence.

    Parameters
    ----------
    rows
        Ratings with their PIT.
    exposure
        Name -> (n,) how exposed each pair was, such as its log propensity; the effect size is the correlation.
    """
    residual = normal_residual(rows.pit)
    found = {
        "user": ("share of variance", *user_share(residual, draws)),
        "item": ("share of variance", *group_share(residual, rows.item, draws)),
    }
    for name, value in exposure.items():
        found[name] = ("correlation", *correlation(residual, value, draws))
    return {
        name: {"measure": measure, **estimate.plain(), "p": p_value(estimate.value, spread)}
        for name, (measure, estimate, spread) in found.items()
    }


def user_share(residual: NDArray[np.float64], draws: UserBootstrap) -> tuple[Estimate, float]:
    """Return the share of variance between users, and the deviation of its replicates."""
    one = np.ones(len(residual))
    n, total, squares = draws.totals(np.column_stack([one, residual, residual**2])).T
    columns = np.column_stack([n, total, squares, n * (n - 1), total**2 - squares, (n - 1) * total])

    def share(sums: NDArray[np.float64]) -> NDArray[np.float64]:
        count, first, second, pairs, products, weighted = np.moveaxis(sums, -1, 0)
        mean = first / count
        covariance = (products - 2 * mean * weighted) / pairs + mean**2
        ratio: NDArray[np.float64] = covariance / (second / count - mean**2)
        return ratio

    return draws.estimate_totals(columns, share), _spread(draws, columns, share)


def group_share(
    residual: NDArray[np.float64], group: NDArray[np.integer], draws: UserBootstrap
) -> tuple[Estimate, float]:
    """Return the share of variance between groups in which a user occurs at most once, such as items.

    A pair of rows counts as often as both its users are drawn, so that no row is paired with its own copy.
    """
    from scipy.sparse import csr_array

    _, index = np.unique(group, return_inverse=True)
    users = draws.weight.shape[1]
    weight = np.vstack([np.ones(users), draws.weight])
    sums, counts = (
        csr_array((value, (index, draws.index)), shape=(index.max() + 1, users)) @ weight.T
        for value in (residual, np.ones(len(residual)))
    )
    totals = draws.totals(np.column_stack([np.ones(len(residual)), residual, residual**2]))
    n, first, second = (weight @ totals).T
    own_n, own_first, own_second = (weight**2 @ totals).T
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = first / n
        products = ((sums - mean * counts) ** 2).sum(axis=0) - (own_second - 2 * mean * own_first + mean**2 * own_n)
        pairs = (counts**2).sum(axis=0) - own_n
        share = np.where(pairs > 0, products / pairs / (second / n - mean**2), np.nan)
    return draws.around(float(share[0]), share[1:]), deviation(share[1:])


def correlation(
    residual: NDArray[np.float64], value: NDArray[np.float64], draws: UserBootstrap
) -> tuple[Estimate, float]:
    """Return the correlation of the residual with a value, and the deviation of its replicates."""
    x = value - value.mean()
    columns = np.column_stack([np.ones(len(x)), x, residual, x**2, residual**2, x * residual])

    def pearson(sums: NDArray[np.float64]) -> NDArray[np.float64]:
        n, x, y, xx, yy, xy = np.moveaxis(sums, -1, 0)
        below = (xx / n - (x / n) ** 2) * (yy / n - (y / n) ** 2)
        ratio: NDArray[np.float64] = (xy / n - x * y / n**2) / np.sqrt(below)
        return ratio

    totals = draws.totals(columns)
    return draws.estimate_totals(totals, pearson), _spread(draws, totals, pearson)


def p_value(value: float, spread: float) -> float | None:
    """Return the two-sided probability of so large an effect where there is none, by the normal approximation."""
    from scipy.special import ndtr

    if not (np.isfinite(value) and np.isfinite(spread) and spread > 0):
        return None
    return float(2 * ndtr(-abs(value) / spread))


def deviation(replicates: NDArray[np.float64]) -> float:
    """Return the standard deviation of the replicates that are numbers; NaN where none is."""
    usable = replicates[np.isfinite(replicates)]
    return float(usable.std()) if len(usable) else float("nan")


def _spread(draws: UserBootstrap, totals: NDArray[np.float64], statistic: Any) -> float:
    with np.errstate(invalid="ignore", divide="ignore"):
        return deviation(np.asarray(statistic(draws.weight @ totals)))
