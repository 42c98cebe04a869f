"""Factors: the low-rank form in which a world keeps utilities."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray


class Factors(NamedTuple):
    """utility = taste . V + b_u + b_i, on any scale."""

    taste: NDArray[np.float64]
    """(U, D)."""
    embedding: NDArray[np.float64]
    """(N, D)."""
    user_bias: NDArray[np.float64]
    """(U,)."""
    item_bias: NDArray[np.float64]
    """(N,)."""

    def utility(self, users: NDArray[np.integer], items: NDArray[np.integer]) -> NDArray[np.float64]:
        """Return (n,) the utility of each pair."""
        product = np.einsum("nd,nd->n", self.taste[users], self.embedding[items])
        utility: NDArray[np.float64] = product + self.user_bias[users] + self.item_bias[items]
        return utility
