"""Ordinal ratings of a low-rank utility: P(rating <= l) = sigmoid(tau_l - taste . V - b_u - b_i).

Proportional odds (`mccullagh1980regression`) on a low-rank utility (Koren & Sill 2011, `koren2011ordrec`).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from recenv.causal.factors import Factors


class OrdinalFactors(NamedTuple):
    """Parameters of the utility, in units of the logistic noise, normalised (see `normalise`)."""

    taste: NDArray[np.float64]
    """(U, D)."""
    embedding: NDArray[np.float64]
    """(N, D)."""
    user_bias: NDArray[np.float64]
    """(U,) sums to 0."""
    item_bias: NDArray[np.float64]
    """(N,) sums to 0."""
    thresholds: NDArray[np.float64]
    """(L - 1,) ascending."""

    def utility(self, users: NDArray[np.integer], items: NDArray[np.integer]) -> NDArray[np.float64]:
        """Return (n,) taste . V + b_u + b_i."""
        return Factors(*self[:4]).utility(users, items)


def normalise(factors: OrdinalFactors) -> OrdinalFactors:
    """Return the same utilities in the one gauge: biases sum to 0, taste and V balanced.

    Utilities do not change: means of the biases move into the thresholds, and taste . V' = P S Q' (singular value
    decomposition) is split into taste = P sqrt(S) and V = Q sqrt(S), each column of V with a positive sum.
    """
    shift = factors.user_bias.mean() + factors.item_bias.mean()
    q_u, r_u = np.linalg.qr(factors.taste)
    q_v, r_v = np.linalg.qr(factors.embedding)
    p, s, q = np.linalg.svd(r_u @ r_v.T)
    taste, embedding = (q_u @ p) * np.sqrt(s), (q_v @ q.T) * np.sqrt(s)
    sign = np.where(embedding.sum(0) < 0, -1.0, 1.0)
    return OrdinalFactors(
        np.ascontiguousarray(taste * sign),
        np.ascontiguousarray(embedding * sign),
        factors.user_bias - factors.user_bias.mean(),
        factors.item_bias - factors.item_bias.mean(),
        factors.thresholds - shift,
    )


def level_probabilities(mean: NDArray[np.float64], thresholds: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return (..., L) P(rating = l) for utilities (...) before noise."""
    upto = 1.0 / (1.0 + np.exp(np.clip(mean[..., None] - thresholds, -700, 700)))
    edges = np.zeros((*mean.shape, 1))
    return np.diff(np.concatenate([edges, upto, edges + 1.0], -1), axis=-1)


def expected_level_value(
    mean: NDArray[np.float64], thresholds: NDArray[np.float64], scale: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return (...) the mean rating on the log's scale."""
    return level_probabilities(mean, thresholds) @ scale
