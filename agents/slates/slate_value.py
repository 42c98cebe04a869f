"""The slate of the highest value under a conditional logit, found exactly.

    value(A) = (w_0 q_0 + sum_(i in A) w_i q_i) / (w_0 + sum_(i in A) w_i)        w = exp(choice logit), 0: no choice

is above lambda just when sum_(i in A) w_i (q_i - lambda) > w_0 (lambda - q_0). So for the right lambda, the best value
itself, the best slate is the K items with the largest w_i (q_i - lambda), and lambda is found by going from a slate's
value to the best slate under it and on (Dinkelbach 1967, `dinkelbach1967nonlinear`); it never falls and ends in a few
rounds. This solves the linear program of SlateQ's slate optimisation (Ie et al. 2019, `ie2019slateq`).
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

ROUNDS = 50
"""Most rounds taken; the value settles in fewer than ten."""


def slate_values(
    weight: NDArray[np.float64],
    value: NDArray[np.float64],
    null_weight: NDArray[np.float64],
    null_value: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Return (B,) value(A) of slates given as weights and values (B, K); a weight of 0 is an empty position.

    `null_weight` and `null_value` (B,) are w_0 and q_0.
    """
    total = null_weight + weight.sum(axis=1)
    return (null_weight * null_value + (weight * value).sum(axis=1)) / np.maximum(total, np.finfo(np.float64).tiny)


def added_values(
    weight: NDArray[np.float64],
    value: NDArray[np.float64],
    null_weight: NDArray[np.float64],
    null_value: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Return (B, C) w_i / (w_i + w_0) (q_i - q_0): what each item adds to nothing when it competes with nothing else.

    Arguments are those of `slate_values`.
    """
    chance = weight / np.maximum(weight + null_weight[:, None], np.finfo(np.float64).tiny)
    return chance * (value - null_value[:, None])


def best_slate_value(
    weight: NDArray[np.float64],
    value: NDArray[np.float64],
    null_weight: NDArray[np.float64],
    null_value: NDArray[np.float64],
    size: int,
) -> NDArray[np.float64]:
    """Return (B,) the highest value(A) over slates of K items (or all there are) out of C.

    `weight` (B, C) is 0 where the item may not be shown; the other arguments are those of `slate_values`.
    """
    size = min(size, weight.shape[1])
    best = np.full(len(weight), -np.inf)
    reached = slate_values(weight, value, null_weight, null_value)
    for _ in range(ROUNDS):
        gain = np.where(weight > 0, weight * (value - reached[:, None]), -np.inf)
        columns = torch.topk(torch.from_numpy(gain), size, dim=1, sorted=False).indices.numpy()  # numpy's is slower
        shown_weight, shown_value = (np.take_along_axis(array, columns, axis=1) for array in (weight, value))
        best, reached = reached, slate_values(shown_weight, shown_value, null_weight, null_value)
        if np.allclose(best, reached, rtol=1e-9, atol=1e-12):
            break
    return reached
