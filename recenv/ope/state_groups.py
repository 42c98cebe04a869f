"""Conditional means given the declared state: group means of codes, least squares of features."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

Vector = NDArray[np.float64]
Mean = Callable[[Vector], Vector]
"""Values (n,) -> their conditional mean at each row (n,)."""

RIDGE = 1e-10
"""Relative to the mean square of the features: least squares solves to about this."""


def group_mean(code: NDArray[Any]) -> Mean:
    """Return the mean over rows of equal code (n,)."""
    labels, inverse, count = np.unique(code, return_inverse=True, return_counts=True)
    return lambda values: (np.bincount(inverse, values, len(labels)) / count)[inverse]


def linear_mean(features: NDArray[np.floating]) -> Mean:
    """Return the least-squares fit on features (n, F) and a constant, in closed form."""
    design = np.hstack([np.ones((len(features), 1)), features])
    moments = design.T @ design
    moments[np.diag_indices_from(moments)] += RIDGE * max(float(np.trace(moments)) / len(moments), 1e-300)
    return lambda values: np.asarray(design @ np.linalg.solve(moments, design.T @ values))


def conditional_mean(state: NDArray[Any], valid: NDArray[np.bool_]) -> Mean:
    """Return the mean given state (n,) or (n, F) for the episodes still running, one group for those that have left."""
    mean = (group_mean if state.ndim == 1 else linear_mean)(state[valid]) if valid.any() else None

    def fitted(values: Vector) -> Vector:
        result = np.empty(len(values))
        if mean is not None:
            result[valid] = mean(values[valid])
        if not valid.all():
            result[~valid] = values[~valid].mean()
        return result

    return fitted


def pair_code(state: NDArray[Any], action: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return one code a pair of state and item, of any equal shape."""
    _, inverse = np.unique(state, return_inverse=True)
    return inverse.reshape(np.shape(state)) * (int(action.max()) + 1) + action
