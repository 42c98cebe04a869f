"""What the pseudo-inverse estimator asks of the logging policy, once for all targets."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from recenv.ope.pseudo_inverse import RCOND
from recenv.ope.slot_probabilities import CELLS, pair_probabilities

MAX_PAIRS = 1_000
"""Most pairs of a position and a candidate: the matrix is factorised in every context."""


def slot_duals(weights: NDArray[np.floating], columns: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return pinv(Gamma) 1_s (n, K, C) of logged slates: the weight of a target with slots q is its product with q.

    Parameters
    ----------
    weights : (n, C) array
        Of the logging policy's draws without replacement; equal rows are factorised once.
    columns : (n, K) int array
        Place of the logged items among the candidates.

    Raises
    ------
    ValueError
        If there are too many slates to sum over, or too many pairs to factorise.

    Reference: Swaminathan et al. (2017).
    """
    (rows, size), many = columns.shape, weights.shape[1]
    if many**size > CELLS or size * many > MAX_PAIRS:
        raise ValueError(
            f"pi sums over all slates and factorises all pairs of a position and a candidate: {size} positions of "
            f"{many} candidates are too many (at most {CELLS:,} slates and {MAX_PAIRS:,} pairs): use sips, rips or "
            "cascade_dr, or log the candidates that could be shown"
        )
    distinct, back = np.unique(np.asarray(weights, dtype=np.float64), axis=0, return_inverse=True)
    result = np.zeros((rows, size, many))
    step = max(1, CELLS // max((size * many) ** 2, many**size))
    for start in range(0, len(distinct), step):
        joint = pair_probabilities(distinct[start : start + step], size)
        inverse = np.linalg.pinv(joint.reshape(len(joint), size * many, -1), rcond=RCOND, hermitian=True)
        here = np.flatnonzero((back.reshape(-1) >= start) & (back.reshape(-1) < start + step))
        parts = inverse.reshape(joint.shape)
        for k in range(size):
            result[here] += parts[back.reshape(-1)[here] - start, :, :, k, columns[here, k]]
    return result
