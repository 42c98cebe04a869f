"""Which cells of users x items a fit looks at: listed pairs, or the whole grid without making a list of it.

Both answer the same two questions: the utility of every cell, and the gradient by the weights given that by utilities.
"""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from recenv.causal.response_models.feature_effects import Effects, Sides


class Cells(Protocol):
    """Cells in a fixed order."""

    sides: Sides
    """Features."""

    def utility(self, effects: Effects) -> NDArray[np.float64]:
        """Return (n,) u."""
        ...

    def gradient(self, slope: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return d loss / d weights, as a vector, of slope (n,) = d loss / d u."""
        ...


class Pairs:
    """n listed pairs, whose gradients are gathered by sparse products."""

    def __init__(self, sides: Sides, users: NDArray[np.integer], items: NDArray[np.integer]) -> None:
        from scipy.sparse import csr_array

        self.sides, self._users, self._items = sides, users, items
        shape = (len(sides.x), len(sides.z))
        order = np.lexsort((items, users))
        starts = np.searchsorted(users[order], np.arange(shape[0] + 1))
        self._order, self._matrix = order, csr_array((np.zeros(len(order)), items[order], starts), shape=shape)

    def utility(self, effects: Effects) -> NDArray[np.float64]:
        """See `Cells`."""
        return self.sides.utility(effects, self._users, self._items)

    def gradient(self, slope: NDArray[np.float64]) -> NDArray[np.float64]:
        """See `Cells`."""
        self._matrix.data[:] = slope[self._order]
        return _gradient(self._matrix, self.sides)


class Grid:
    """All U N cells, user by user."""

    def __init__(self, sides: Sides) -> None:
        self.sides = sides

    def utility(self, effects: Effects) -> NDArray[np.float64]:
        """See `Cells`."""
        x, z = self.sides
        left = np.hstack([x @ effects.product + effects.user, x])
        product: NDArray[np.float64] = left @ np.hstack([z, effects.item]).T
        return product.ravel()

    def gradient(self, slope: NDArray[np.float64]) -> NDArray[np.float64]:
        """See `Cells`."""
        return _gradient(slope.reshape(len(self.sides.x), len(self.sides.z)), self.sides)


def _gradient(slope: NDArray[np.float64], sides: Sides) -> NDArray[np.float64]:
    """Return the gradient of a matrix (U, N) of slopes, dense or sparse."""
    by_user = slope @ sides.z
    return Effects(sides.x.T @ by_user, by_user, slope.T @ sides.x).flat()
