"""Popularity: how likely a pair is rated depends on the item alone."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray


class PopularityExposure(NamedTuple):
    """P(O_ui = 1) = n_i / U."""

    share: NDArray[np.float64]
    """(N,) share of the users that rated each item."""

    def propensity(self, users: NDArray[np.integer], items: NDArray[np.integer]) -> NDArray[np.float64]:
        """Return (n,) P(O = 1) of each pair."""
        return self.share[np.broadcast_to(items, np.shape(users))]


def fit_popularity(items: NDArray[np.integer], n_users: int, n_items: int) -> PopularityExposure:
    """Return each item's share; an item without ratings is given half a rating, so that its propensity is above 0."""
    return PopularityExposure(np.clip(np.bincount(items, minlength=n_items), 0.5, n_users) / n_users)
