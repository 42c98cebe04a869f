"""Ordered slates drawn without replacement: the Plackett-Luce law (Plackett 1975, `plackett1975analysis`).

    P(a_1, ..., a_K) = prod_k exp(l[a_k]) / sum_(b not in a_1..a_(k-1)) exp(l[b])

The K largest of `logit + Gumbel noise` in falling order are a draw from it (Yellott 1977, `yellott1977relationship`).
An empty position (column -1) is certain: it stands where no candidate is left.
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray


def gumbel_top_k(logits: NDArray[np.floating], size: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """Return (B, K) columns of logits (B, C) drawn by the law; -inf is never drawn, -1 stands where none is left."""
    keys = logits + rng.gumbel(size=logits.shape)
    width = min(size, keys.shape[1])
    best = np.argpartition(-keys, width - 1, axis=1)[:, :width]
    order = np.argsort(-np.take_along_axis(keys, best, axis=1), axis=1)
    columns = np.full((len(keys), size), -1, np.int64)
    columns[:, :width] = np.take_along_axis(best, order, axis=1)
    drawn = np.take_along_axis(keys, np.maximum(columns, 0), axis=1)
    return np.where(np.isfinite(drawn), columns, -1)


def position_log_likelihood(logits: torch.Tensor, columns: torch.Tensor) -> torch.Tensor:
    """Return (B, K) log of the factors of P: each position given those above it; 0 where a position is empty.

    `logits` (B, C) are -inf where nothing may be shown, `columns` (B, K) say what was; -1 is empty.
    """
    factors, left = [], logits
    for position in range(columns.shape[1]):
        shown = columns[:, position] >= 0
        column = columns[:, position].clamp(min=0)[:, None]
        # An empty position is put aside before the arithmetic: -inf minus -inf would spoil the gradient.
        own = torch.where(shown, logits.gather(1, column)[:, 0], 0.0)
        rest = torch.where(shown[:, None], left, 0.0)
        factors.append(torch.where(shown, own - torch.logsumexp(rest, dim=1), 0.0))
        left = torch.where(shown[:, None], left.scatter(1, column, -torch.inf), left)
    return torch.stack(factors, dim=1)
