"""Distillation: biases and low-rank factors that stand for any model's utility of all pairs.

u(user, item) = m + b_u + b_i + taste . V. A world needs exactly this, since its loops compute one dot product a pair.
The matrix is centred by its row and column means; V spans the leading right singular vectors of a sample of users,
found by randomised singular value decomposition (Halko et al. 2011, `halko2011finding`), and every user's row is
projected on it, in blocks. D is the least for which the error is small.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from recenv.causal.factors import Factors
from recenv.protocol import ResponseModel

BLOCK_CELLS = 2_000_000
SAMPLE_CELLS = 50_000_000
"""Cells of the users from whom V is found."""
TOLERANCE = 0.05
"""Largest root mean squared error that is aimed at, in units of the logistic noise (whose deviation is 1.8)."""


class Distilled(NamedTuple):
    """Factors, and how well they stand for the model."""

    factors: Factors
    """On the model's own scale."""
    rmse: float
    """Root mean squared error of the utility over all pairs, on the same scale."""


def distil(
    model: ResponseModel,
    n_users: int,
    n_items: int,
    *,
    tolerance: float,
    max_dims: int,
    rng: np.random.Generator,
) -> Distilled:
    """Return the factors of a fitted model; D is the least with an error of `tolerance`, at most `max_dims`.

    Parameters
    ----------
    tolerance
        Root mean squared error of the utility, in the model's own unit.
    rng
        Draws the sample of users.
    """
    sample = np.sort(rng.permutation(n_users)[: max(1, SAMPLE_CELLS // n_items)])
    matrix = np.concatenate([block for _, block in _blocks(model, sample, n_items)])
    item_bias = matrix.mean(0, dtype=np.float64)
    basis = _leading(matrix - item_bias.astype(np.float32), max_dims, tolerance, rng)
    taste, user_bias = np.empty((n_users, basis.shape[1])), np.empty(n_users)
    lost = 0.0
    for users, block in _blocks(model, np.arange(n_users), n_items):
        rest = block - item_bias
        user_bias[users] = rest.mean(1)
        rest -= user_bias[users, None]
        taste[users] = rest @ basis
        lost += float(((rest - taste[users] @ basis.T) ** 2).sum())
    return Distilled(Factors(taste, basis, user_bias, item_bias), float(np.sqrt(lost / (n_users * n_items))))


def _blocks(
    model: ResponseModel, users: NDArray[np.int64], n_items: int
) -> Iterator[tuple[NDArray[np.int64], NDArray[np.float32]]]:
    """Yield users (B,) and their utilities of all items (B, N)."""
    items = np.arange(n_items)
    for part in np.array_split(users, max(1, -(-len(users) * n_items // BLOCK_CELLS))):
        utility = model.utility(np.repeat(part, n_items), np.tile(items, len(part)))
        yield part, np.asarray(utility, np.float32).reshape(len(part), n_items)


def _leading(
    matrix: NDArray[np.float32], max_dims: int, tolerance: float, rng: np.random.Generator
) -> NDArray[np.float64]:
    """Return (N, D) orthonormal right singular vectors of the row-centred matrix, D by the tolerance."""
    from sklearn.utils.extmath import randomized_svd

    matrix = matrix - matrix.mean(1, keepdims=True)
    most = min(max_dims, *(size - 1 for size in matrix.shape))
    if most < 1 or not np.any(matrix):
        return np.zeros((matrix.shape[1], 1))
    seed = int(rng.integers(2**31))
    _, values, right = randomized_svd(matrix, most, n_iter=4, random_state=seed)
    lost = np.maximum(float((matrix.astype(np.float64) ** 2).sum()) - np.cumsum(values.astype(np.float64) ** 2), 0.0)
    enough = np.sqrt(lost / matrix.size) <= tolerance
    dims = int(np.argmax(enough)) + 1 if enough.any() else most
    return right[:dims].T.astype(np.float64)
