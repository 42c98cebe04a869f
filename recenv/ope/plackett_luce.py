"""Exact probabilities of slates drawn without replacement by softmax scores."""

from __future__ import annotations

import itertools
import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

MAX_SLATES = 2_000_000


def prefix_probability(scores: ArrayLike, slate: ArrayLike) -> NDArray[np.float64]:
    """Return the probability (n, K) of positions 0..k of each slate; the last column is that of the slate.

        P(a_0..a_k) = prod_{j <= k} exp(s[a_j]) / sum_{b not in a_0..a_{j-1}} exp(s[b])

    Parameters
    ----------
    scores : (n, C) array
        Score of every candidate; -inf for one that may not be shown.
    slate : (n, K) int array
        Columns of the shown candidates.

    Raises
    ------
    ValueError
        If a slate repeats a candidate; the message names the row.

    Reference: Plackett (1975).
    """
    logits, shown = np.asarray(scores, dtype=np.float64), np.asarray(slate)
    repeated = (np.diff(np.sort(shown, axis=1), axis=1) == 0).any(axis=1)
    if repeated.any():
        row = int(np.argmax(repeated))
        raise ValueError(f"a slate must not repeat an item; row {row} has {shown[row].tolist()}: drop the row")
    left, result = logits.copy(), np.ones(shown.shape)
    rows = np.arange(len(shown))
    for k in range(shown.shape[1]):  # those taken are struck out: to subtract them would cancel digits
        odds = np.exp(left - left.max(axis=1, keepdims=True))
        result[:, k] = odds[rows, shown[:, k]] / odds.sum(axis=1)
        left[rows, shown[:, k]] = -np.inf
    return np.asarray(np.cumprod(result, axis=1), dtype=np.float64)


def all_slates(scores: ArrayLike, positions: int) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return every ordered slate (M, K) of C candidates with scores (C,), and their probabilities (M,).

    Raises
    ------
    ValueError
        If there are more than two million: then draw slates, and pass each with an equal share.
    """
    logits = np.asarray(scores, dtype=np.float64)
    count = math.perm(len(logits), positions)
    if not 0 < count <= MAX_SLATES:
        raise ValueError(f"{positions} of {len(logits)} items make {count:,} slates, not 1 to {MAX_SLATES:,}: sample")
    slates = np.array(list(itertools.permutations(range(len(logits)), positions)))
    return slates, prefix_probability(np.broadcast_to(logits, (count, len(logits))), slates)[:, -1]
