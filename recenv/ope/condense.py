"""From arrays of rows times items to one number a row: all that an estimator needs of them."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from recenv.ope.ask_policy import TOLERANCE, check_total

CELLS = 262_144
"""Rows times items looked at at once: 2 MB, where the arrays have to be converted first."""

Vector = NDArray[np.float64]


class Condensed(NamedTuple):
    """Named as in `BanditTerms` and `TrajectoryTerms`, and in their order."""

    target: Vector
    """(n,) probability of the logged item."""
    q_logged: Vector | None
    """(n,) prediction at the logged item; None without predictions."""
    q_target: Vector | None
    """(n,) expectation of the predictions under the probabilities, sum_a p(a) q(a); None without predictions."""


def condense(item: ArrayLike, probability: ArrayLike, prediction: ArrayLike | None = None) -> Condensed:
    """Read a policy's probabilities, and a reward model's predictions, once.

    For arrays that are in memory anyway; `evaluate` never makes them. Beyond the result it takes a few megabytes.

    Parameters
    ----------
    item : (n,) or (n, T) int array
        Logged item, 0..A-1.
    probability : (n, A) or (n, T, A) array
        The target policy's probability of every item.
    prediction : array of probability's shape, optional
        The reward or value model's prediction for every item.

    Raises
    ------
    ValueError
        If shapes differ, an item is outside 0..A-1, or a row of probabilities is negative, NaN or does not sum to 1;
        the message names the row, which counts through all steps where there are several.
    TypeError
        If items are no integers.

    Examples
    --------
    >>> condense([1, 0], [[0.25, 0.75], [0.5, 0.5]], [[1.0, 0.0], [0.0, 1.0]])
    Condensed(target=array([0.75, 0.5 ]), q_logged=array([0., 0.]), q_target=array([0.25, 0.5 ]))
    """
    shown, chance = np.asarray(item), np.asarray(probability)
    model = chance if prediction is None else np.asarray(prediction)
    _check(shown, chance, model)
    target, q_logged, q_target = np.empty((3, *shown.shape))
    inner, items = int(np.prod(shown.shape[1:])), chance.shape[-1]
    size, read = max(1, CELLS // (inner * items)), _compiled()
    for start in range(0, len(shown), size):
        rows = slice(start, start + size)
        table = _as_table(chance[rows], items)
        places = np.ascontiguousarray(shown[rows].reshape(-1), dtype=np.int64)
        made = (vector[rows].reshape(-1) for vector in (target, q_logged, q_target))
        if read(places, table, table if model is chance else _as_table(model[rows], items), TOLERANCE, *made):
            check_total("probability", table, start * inner)
    return Condensed(target, None, None) if prediction is None else Condensed(target, q_logged, q_target)


def _check(shown: NDArray[Any], chance: NDArray[Any], model: NDArray[Any]) -> None:
    if shown.dtype.kind not in "iu":
        raise TypeError(f"item must hold integers, not {shown.dtype}: number the items from 0")
    if not shown.ndim or chance.ndim != shown.ndim + 1 or chance.shape[:-1] != shown.shape:
        raise ValueError(
            f"probability must have item's shape {shown.shape} and one more axis, the items; it has {chance.shape}"
        )
    if model.shape != chance.shape:
        raise ValueError(f"prediction must have probability's shape {chance.shape}, not {model.shape}")
    if not chance.size:
        raise ValueError("probability is empty: there is nothing to estimate from; give at least one row")
    if shown.min() < 0 or shown.max() >= chance.shape[-1]:
        row = int(np.argmax((shown.ravel() < 0) | (shown.ravel() >= chance.shape[-1])))
        raise ValueError(
            f"item must be from 0 to {chance.shape[-1] - 1}; row {row} has {shown.ravel()[row]}: give the column of "
            "the logged item"
        )


def _as_table(block: NDArray[Any], items: int) -> Vector:
    return np.ascontiguousarray(block, dtype=np.float64).reshape(-1, items)


@cache
def _compiled() -> Callable[..., int]:
    from numba import types

    from recenv.compiled import compiled

    table = types.Array(types.float64, 2, "C", readonly=True)
    places, made = types.Array(types.int64, 1, "C", readonly=True), types.float64[::1]
    signature = types.int64(places, table, table, types.float64, made, made, made)
    # The order of a sum is free, so that it takes several items at a time, as BLAS does.
    return compiled(_read, signature=signature, nogil=True, fastmath={"reassoc", "contract"})


def _read(
    item: NDArray[np.int64],
    probability: Vector,
    prediction: Vector,
    tolerance: float,
    target: Vector,
    q_logged: Vector,
    q_target: Vector,
) -> int:
    """Fill the three vectors (n,) and return how many rows of probabilities (n, A) need a second look."""
    wrong = 0
    for row in range(len(item)):
        total, size, expected = 0.0, 0.0, 0.0
        for column in range(probability.shape[1]):
            chance = probability[row, column]
            total += chance
            size += abs(chance)
            expected += chance * prediction[row, column]
        # A negative one makes the size the larger; rounding may too, and then the caller's second look finds nothing.
        if not (abs(total - 1.0) <= tolerance and size == total):
            wrong += 1
        target[row] = probability[row, item[row]]
        q_logged[row] = prediction[row, item[row]]
        q_target[row] = expected
    return wrong
