"""Minimise a convex, piecewise linear function of a few variables to a known accuracy."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Vector = NDArray[np.float64]


def minimise_convex(
    function: Callable[[Vector], tuple[float, Vector]],
    start: Vector,
    *,
    reach: float,
    tolerance: float = 1e-9,
    iterations: int = 200,
) -> Vector:
    """Return the best point that cutting planes find within `reach` of the start.

    Every value and slope is a plane below the function; the lowest point of all planes is tried next, and the gap
    between it and the best value bounds what is left to gain. Reference: Kelley (1960) (`kelley1960cutting`).

    Parameters
    ----------
    function
        (K,) -> value and one of its subgradients (K,).
    reach
        Half the side of the cube that is searched.
    tolerance
        Gap at which to stop, relative to `reach`.
    """
    from scipy.optimize import linprog

    best, (best_value, slope) = start, function(start)
    planes, offsets = [slope], [best_value - slope @ start]
    cost = np.append(np.zeros(len(start)), 1.0)
    cube = [(center - reach, center + reach) for center in start] + [(None, None)]
    for _ in range(iterations):
        below = linprog(
            cost, A_ub=np.column_stack([planes, -np.ones(len(planes))]), b_ub=np.negative(offsets), bounds=cube
        )
        if not below.success or best_value - below.fun <= tolerance * reach:
            break
        point = below.x[:-1]
        value, slope = function(point)
        planes.append(slope)
        offsets.append(value - slope @ point)
        if value < best_value:
            best, best_value = point, value
    return best
