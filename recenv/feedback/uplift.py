"""Uplift from a log: what recommending caused, estimated without knowing what would have happened otherwise."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray


class Uplift(NamedTuple):
    """An estimate and its standard error."""

    value: float
    std_error: float
    """Clustered by the unit that was given; NaN for a single unit."""


def estimated_uplift(
    shown: ArrayLike,
    responded: ArrayLike,
    propensity: ArrayLike,
    target: ArrayLike,
    *,
    cluster: ArrayLike | None = None,
) -> Uplift:
    """Return the responses that a target policy's recommendations cause per decision, by inverse propensity.

        mean_i sum_a pi(a | x_i) [Z_ia / p_ia - (1 - Z_ia) / (1 - p_ia)] Y_ia

    Z says whether item a was shown, Y whether the user responded to it, recommended or not. Unbiased for
    E[sum_a pi(a | x) (Y1_a - Y0_a)] where p is the true probability of being shown, inside (0, 1) wherever pi > 0, and
    where showing one item does not change the response to another. Reference: Sato et al. (2020), `sato2020unbiased`.

    Parameters
    ----------
    shown
        (n, C) bool: Z.
    responded
        (n, C) bool or 0 / 1: Y, such as a purchase; also of items that were not shown.
    propensity
        (n, C) the logging policy's probability that each item is shown.
    target
        (n, C) the target policy's probability of each item.
    cluster
        (n,) unit that is independent of the others, the user; None takes each row.

    Raises
    ------
    ValueError
        If shapes differ, or a propensity is not inside (0, 1) where the target shows the item; the row is named.
    """
    z, y = np.asarray(shown, np.float64), np.asarray(responded, np.float64)
    p, pi = np.asarray(propensity, np.float64), np.asarray(target, np.float64)
    _check(z, y, p, pi)
    inside = np.where(pi > 0.0, p, 0.5)
    rows = (pi * (z / inside - (1.0 - z) / (1.0 - inside)) * y).sum(1)
    return Uplift(
        float(rows.mean()), _std_error(rows, np.arange(len(rows)) if cluster is None else np.asarray(cluster))
    )


def _check(z: NDArray[np.float64], y: NDArray[np.float64], p: NDArray[np.float64], pi: NDArray[np.float64]) -> None:
    for name, table in (("responded", y), ("propensity", p), ("target", pi)):
        if table.shape != z.shape or z.ndim != 2 or not len(z):
            raise ValueError(f"{name} must have the shape (n, C) of shown, {z.shape}; got {table.shape}")
    bad = np.argwhere((pi > 0.0) & ~((p > 0.0) & (p < 1.0)))
    if len(bad):
        row, a = bad[0]
        raise ValueError(
            f"propensity must be inside (0, 1) where the target shows an item; row {row} has {p[row, a]} in column "
            f"{a}: log with exploration, or leave the item out of the target"
        )


def _std_error(rows: NDArray[np.float64], cluster: NDArray[np.generic]) -> float:
    """Return the standard error of the mean of rows, with the rows of a unit summed first."""
    _, unit = np.unique(cluster, return_inverse=True)
    sums = np.bincount(unit, weights=rows - rows.mean())
    units = len(sums)
    return float(np.sqrt((sums**2).sum() * units / (units - 1)) / len(rows)) if units > 1 else float("nan")
