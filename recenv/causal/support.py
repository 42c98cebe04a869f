"""Support: how much of what could be unknown about a pair the log has settled.

A user's unknowns are f_u = (b_u, taste), an item's f_i = (b_i, V), each with the spread of its kind as prior. By the
ratings of the first part, each worth the information kappa = (1 - sum_l share_l^3) / 3 of a proportional-odds rating
(Whitehead 1993, `whitehead1993sample`), the variances of the utility that come from not knowing user and item are

    v_u = (1, V_i)' (prior_u^-1 + kappa sum_{j rated by u} (1, V_j)(1, V_j)')^-1 (1, V_i)        and v_i alike

    support = 1 - (v_u + v_i) / (their values without any rating)                                 in [0, 1]

Every further rating of the user or the item raises it, more so if it is of a similar item or by a similar user.
Assumption: the other side is known (the two variances add), and the model is right.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from recenv.causal.compiled import jit
from recenv.causal.pairs import FIRST

if TYPE_CHECKING:
    from recenv.causal.world import World

BLOCK_NUMBERS = 8_000_000
"""Entries of the matrices that are inverted at once."""


class Side(NamedTuple):
    """What is known of users by their items, or of items by their users."""

    prior: NDArray[np.float64]
    """(E,) variance of bias and factors over all of its kind."""
    start: NDArray[np.int64]
    """(own + 1,) where each one's ratings begin."""
    other: NDArray[np.int32]
    """(n,) the other side of each rating."""
    features: NDArray[np.float64]
    """(other, E) one and the other side's factors."""
    information: float
    """Of one rating."""

    def variance(self, own: NDArray[np.integer], other: NDArray[np.integer]) -> tuple[NDArray, NDArray]:
        """Return (n,) the variance of the utility with and without the ratings."""
        found = np.empty(len(own))
        features = self.features[other]
        ids, place = np.unique(own, return_inverse=True)
        order = np.argsort(place, kind="stable")
        block = max(1, BLOCK_NUMBERS // len(self.prior) ** 2)
        for begin in range(0, len(ids), block):
            rows = order[slice(*np.searchsorted(place[order], [begin, begin + block]))]
            inverse = self._covariance(ids[begin : begin + block])
            for row in np.array_split(rows, max(1, len(rows) * len(self.prior) ** 2 // BLOCK_NUMBERS)):
                x = features[row]
                found[row] = np.einsum("ne,ne->n", x, np.matmul(inverse[place[row] - begin], x[:, :, None])[..., 0])
        return found, features**2 @ self.prior

    def _covariance(self, own: NDArray[np.integer]) -> NDArray[np.float64]:
        """Return (own, E, E)."""
        precision = np.zeros((len(own), len(self.prior), len(self.prior)))
        add_squares(precision, own, self.start, self.other, self.features)
        # prior^.5 (1 + prior^.5 F prior^.5)^-1 prior^.5: what is inverted is never singular
        root = np.sqrt(np.outer(self.prior, self.prior))
        inverse: NDArray[np.float64] = root * np.linalg.inv(np.eye(len(root)) + self.information * precision * root)
        return inverse


class Support(NamedTuple):
    """Both sides of a world."""

    user: Side
    item: Side

    def of(self, users: NDArray[np.integer], items: NDArray[np.integer]) -> NDArray[np.float64]:
        """Return (n,) the support of each pair."""
        known, unknown = zip(self.user.variance(users, items), self.item.variance(items, users), strict=True)
        return np.clip(1.0 - sum(known) / sum(unknown), 0.0, 1.0)


def support_of(world: World) -> Support:
    """Return the support of a world's pairs by the ratings of its first part."""
    first = world.pairs.only(FIRST)
    share = np.bincount(first.level - 1, minlength=world.n_levels) / max(len(first), 1)
    information = float(1.0 - (share**3).sum()) / 3.0
    by_item = np.argsort(first.item, kind="stable")
    user = (world.user_bias, world.taste, first.user, first.item, world.embedding)
    item = (world.item_bias, world.embedding, first.item[by_item], first.user[by_item], world.taste)
    return Support(_side(*user, information), _side(*item, information))


def _side(
    bias: NDArray[np.float64],
    factors: NDArray[np.float64],
    own: NDArray[np.int32],
    other: NDArray[np.int32],
    other_factors: NDArray[np.float64],
    information: float,
) -> Side:
    prior = np.concatenate([[bias.var()], factors.var(0)])
    prior = np.maximum(prior, 1e-6 * max(float(prior.max()), 1e-6))  # a factor that nobody has is known
    features = np.column_stack([np.ones(len(other_factors)), other_factors])
    start = np.searchsorted(own, np.arange(len(bias) + 1)).astype(np.int64)
    return Side(prior, start, other, features, information)


@jit
def add_squares(total, own, start, other, features):  # type: ignore[no-untyped-def]
    """Add to `total` (own, E, E) the products x x' of every rating of each."""
    for place in range(own.shape[0]):
        for row in range(start[own[place]], start[own[place] + 1]):
            for e in range(features.shape[1]):
                x = features[other[row], e]
                for f in range(e + 1):
                    total[place, e, f] += x * features[other[row], f]
        for e in range(features.shape[1]):
            for f in range(e):
                total[place, f, e] = total[place, e, f]
