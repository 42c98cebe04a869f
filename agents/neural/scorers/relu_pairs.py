"""Sums of rectified pairs, and their gradients, without an array of all pairs: the inner loops of the MLP scorer.

s[b, c] = sum_w out[w] * max(state[b, w] + item[place[b, c], w], 0)
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from recenv.compiled import compiling

COLUMNS_AT_ONCE = 32
"""Candidates whose vectors stay in the cache while all users pass."""


@compiling(fastmath=True)
def relu_pair_scores(
    state: NDArray[np.float32], items: NDArray[np.float32], place: NDArray[np.int64], out: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Return s (B, C) of state (B, W), items (n, W), place (B, C) in 0..n-1 and out (W,)."""
    users, columns = place.shape
    width = state.shape[1]
    score = np.empty((users, columns), np.float32)
    for start in range(0, columns, COLUMNS_AT_ONCE):
        for b in range(users):
            for c in range(start, min(start + COLUMNS_AT_ONCE, columns)):
                row = place[b, c]
                total = np.float32(0.0)
                for w in range(width):
                    total += out[w] * max(state[b, w] + items[row, w], np.float32(0.0))
                score[b, c] = total
    return score


@compiling(fastmath=True)
def relu_pair_gradients(
    state: NDArray[np.float32],
    items: NDArray[np.float32],
    place: NDArray[np.int64],
    shown: NDArray[np.bool_],
    target: NDArray[np.float32],
    out: NDArray[np.float32],
) -> tuple[float, NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]:
    """Return the mean of (sum_k s[i, k] shown[i, k] - target[i])^2, and its gradients by state, items and out."""
    rows, positions = place.shape
    width = state.shape[1]
    by_state, by_items, by_out = np.zeros_like(state), np.zeros_like(items), np.zeros_like(out)
    loss = 0.0
    for i in range(rows):
        total = np.float32(0.0)
        for k in range(positions):
            if shown[i, k]:
                row = place[i, k]
                for w in range(width):
                    total += out[w] * max(state[i, w] + items[row, w], np.float32(0.0))
        error = total - target[i]
        loss += error * error
        slope = np.float32(2.0) * error / np.float32(rows)
        for k in range(positions):
            if shown[i, k]:
                row = place[i, k]
                for w in range(width):
                    hidden = state[i, w] + items[row, w]
                    by_out[w] += slope * max(hidden, np.float32(0.0))
                    back = slope * out[w] if hidden > np.float32(0.0) else np.float32(0.0)
                    by_state[i, w] += back
                    by_items[row, w] += back
    return loss / rows, by_state, by_items, by_out
