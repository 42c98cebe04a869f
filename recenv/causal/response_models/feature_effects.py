"""Effects of users, items, their features and the products of these: one bilinear form.

    u(user, item) = x' W z + s_user' z + x' r_item,    x = (1, features of the user), z = (1, features of the item)

The leading 1 makes the main effects part of the same three matrices: s and r hold a user's and an item's own effect,
W the constant and what features do by themselves. Without features on a side x = 1 or z = 1, and what is left is right.
With Gaussian priors this is a Gaussian process with the linear kernels 1, k_x, k_z, k_x k_z, and their products with
"same user" and "same item" (Rasmussen & Williams 2006, `rasmussen2006gaussian`), written in its finitely many weights:
a gradient costs n (P + Q), and the utility is exactly of low rank.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Factors = tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]


class Variances(NamedTuple):
    """Prior variance of each kind of effect; features are scaled so that each kernel is about 1 on average."""

    user: float
    """A user's own effect."""
    item: float
    """An item's own effect."""
    user_side: float
    """Features of users."""
    item_side: float
    """Features of items."""
    product: float
    """Features of users times features of items: who likes what kind."""
    taste: float
    """A user's own weights of the features of items."""
    appeal: float
    """An item's own weights of the features of users."""
    constant: float
    """The constant; 0 where thresholds hold it."""


class Effects(NamedTuple):
    """The three matrices."""

    product: NDArray[np.float64]
    """(1 + P, 1 + Q) W."""
    user: NDArray[np.float64]
    """(U, 1 + Q) s."""
    item: NDArray[np.float64]
    """(N, 1 + P) r."""

    def flat(self) -> NDArray[np.float64]:
        """Return all weights as one vector."""
        return np.concatenate([matrix.ravel() for matrix in self])

    def parts(self) -> tuple[Effects, Effects, Effects]:
        """Return three that sum to it: main effects, products of features, own weights of features."""
        main, product, own = (Effects(*(np.zeros_like(matrix) for matrix in self)) for _ in range(3))
        for found, matrix in zip(main, self, strict=True):
            found[:, 0] = matrix[:, 0]
        main.product[0] = self.product[0]
        product.product[1:, 1:] = self.product[1:, 1:]
        own.user[:, 1:], own.item[:, 1:] = self.user[:, 1:], self.item[:, 1:]
        return main, product, own


def combined(effects: Sequence[Effects], coefficients: Sequence[float]) -> Effects:
    """Return the sum of effects times their coefficients."""
    matrices = zip(*effects, strict=True)
    return Effects(*(sum(b * m for b, m in zip(coefficients, of_one, strict=True)) for of_one in matrices))


class Sides(NamedTuple):
    """Features of users and items, each row with a leading 1."""

    x: NDArray[np.float64]
    """(U, 1 + P)."""
    z: NDArray[np.float64]
    """(N, 1 + Q)."""

    @classmethod
    def of(
        cls,
        user_features: NDArray[np.floating] | None,
        item_features: NDArray[np.floating] | None,
        shape: tuple[int, int],
    ) -> Sides:
        """Return the sides of standardised features, None where there are none; shape is (U, N).

        Raises
        ------
        ValueError
            If there are no features at all.
        """
        tables = [table if table is not None and table.shape[1] else None for table in (user_features, item_features)]
        if all(table is None for table in tables):
            raise ValueError(
                "the log has features neither of users nor of items, and this model is made of them: give the log "
                "user_features or item_features, or use response='factorisation' and exposure='rasch'"
            )
        return cls(*(_with_one(table, rows) for table, rows in zip(tables, shape, strict=True)))

    def shapes(self) -> tuple[tuple[int, int], ...]:
        """Return the shapes of the three matrices."""
        (users, p), (items, q) = self.x.shape, self.z.shape
        return (p, q), (users, q), (items, p)

    def unflat(self, vector: NDArray[np.float64]) -> Effects:
        """Return the effects of a vector made by `Effects.flat`."""
        shapes = self.shapes()
        parts = np.split(vector, np.cumsum([rows * columns for rows, columns in shapes])[:-1])
        return Effects(*(part.reshape(shape) for part, shape in zip(parts, shapes, strict=True)))

    def deviations(self, variances: Variances) -> NDArray[np.float64]:
        """Return the prior standard deviation of every weight, as a vector."""
        product, user, item = (np.empty(shape) for shape in self.shapes())
        product[:], user[:], item[:] = variances.product, variances.taste, variances.appeal
        product[0], product[:, 0], product[0, 0] = variances.item_side, variances.user_side, variances.constant
        user[:, 0], item[:, 0] = variances.user, variances.item
        return np.sqrt(Effects(product, user, item).flat())

    def utility(self, effects: Effects, users: NDArray[np.integer], items: NDArray[np.integer]) -> NDArray[np.float64]:
        """Return (n,) u of each pair."""
        of_user = self.x @ effects.product + effects.user
        rows: NDArray[np.float64] = np.einsum("nq,nq->n", of_user[users], self.z[items])
        return rows + np.einsum("np,np->n", self.x[users], effects.item[items])

    def factors(self, effects: Effects) -> Factors:
        """Return taste (U, P + Q), embedding (N, P + Q), user_bias (U,), item_bias (N,) of exactly this utility."""
        of_user = self.x @ effects.product + effects.user
        taste = np.hstack([of_user[:, 1:], self.x[:, 1:]])
        embedding = np.hstack([self.z[:, 1:], effects.item[:, 1:]])
        return taste, embedding, of_user[:, 0], effects.item[:, 0]


def _with_one(table: NDArray[np.floating] | None, rows: int) -> NDArray[np.float64]:
    """Return (rows, 1 + width): a 1, and the features over the root of their number; equal columns count once."""
    one = np.ones((rows, 1))
    if table is None:
        return one
    kept = np.sort(np.unique(table, axis=1, return_index=True)[1])
    return np.hstack([one, table[:, kept].astype(np.float64) / np.sqrt(len(kept))])
