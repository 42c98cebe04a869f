"""The baseline that a world must beat: ordinal ratings by how generous the user and how good the item is, no taste.

P(rating <= l) = sigmoid(tau_l - b_u - b_i), proportional odds (`mccullagh1980regression`) with the world's own penalty
on the biases, by unweighted maximum likelihood on the first part.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from recenv.causal.compiled import jit
from recenv.causal.noise import logistic_cdf

PENALTY = 1.5
"""Prior precision of the biases, in units of one rating's log-likelihood: the default of `FitConfig.bias_penalty`."""


class BiasOnly(NamedTuple):
    """The fitted baseline."""

    user: NDArray[np.float64]
    """(U,)."""
    item: NDArray[np.float64]
    """(N,)."""
    thresholds: NDArray[np.float64]
    """(L - 1,) ascending."""

    def utility(self, users: NDArray[np.integer], items: NDArray[np.integer]) -> NDArray[np.float64]:
        """Return (n,) b_u + b_i."""
        return self.user[users] + self.item[items]


def fit_bias_only(
    user: NDArray[np.integer],
    item: NDArray[np.integer],
    level: NDArray[np.integer],
    shape: tuple[int, int, int],
    *,
    penalty: float = PENALTY,
) -> BiasOnly:
    """Maximise the penalised likelihood by L-BFGS; deterministic.

    Parameters
    ----------
    user, item, level
        (n,) each; levels 1..L.
    shape
        (U, N, L).
    """
    from scipy.optimize import minimize

    users, items, levels = shape
    whole: NDArray[np.int64] = level.astype(np.int64)
    share = np.bincount(whole - 1, minlength=levels) + 0.5
    cuts = np.cumsum(share / share.sum())[:-1]
    tau = np.log(cuts / (1 - cuts))
    start = np.concatenate([np.zeros(users + items), tau[:1], np.log(np.maximum(np.diff(tau), 1e-3))])
    # Searched in units of the inverse root of about their curvature: one user has a few ratings, another thousands.
    counts = np.concatenate([np.bincount(user, minlength=users), np.bincount(item, minlength=items)])
    unit = 1.0 / np.sqrt(np.concatenate([penalty + 0.25 * counts, np.full(levels - 1, 0.25 * len(whole))]))

    def loss(parameters: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        value, gradient = _loss(parameters * unit, user, item, whole, shape, penalty)
        return value, gradient * unit

    found = unit * minimize(loss, start / unit, jac=True, method="L-BFGS-B", options={"maxiter": 100, "ftol": 1e-7}).x
    return BiasOnly(found[:users], found[users : users + items], _thresholds(found[users + items :]))


def _thresholds(free: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return ascending thresholds: the first, and the logarithms of the gaps."""
    return np.cumsum(np.concatenate([free[:1], np.exp(free[1:])]))


def _loss(
    parameters: NDArray[np.float64],
    user: NDArray[np.integer],
    item: NDArray[np.integer],
    level: NDArray[np.int64],
    shape: tuple[int, int, int],
    penalty: float,
) -> tuple[float, NDArray[np.float64]]:
    """Return the negative penalised log-likelihood and its gradient."""
    users, items, levels = shape
    biases, free = parameters[: users + items], parameters[users + items :]
    cuts = np.concatenate([[-40.0], _thresholds(free), [40.0]])
    by_bias, by_cut = penalty * biases, np.zeros(levels + 1)
    loss = add_slopes(by_bias[:users], by_bias[users:], by_cut, biases[:users], biases[users:], cuts, user, item, level)
    later = np.cumsum(by_cut[1:levels][::-1])[::-1]  # a gap moves every threshold above it
    return 0.5 * penalty * float(biases @ biases) + loss, np.concatenate(
        [by_bias, later[:1], later[1:] * np.exp(free[1:])]
    )


@jit
def add_slopes(by_user, by_item, by_cut, of_user, of_item, cuts, user, item, level):  # type: ignore[no-untyped-def]
    """Add the gradients of the rows' -log P(level) and return its sum; row by row, so that no array of rows is made."""
    loss = 0.0
    for row in range(user.shape[0]):
        u, i, upto = user[row], item[row], level[row]
        x = of_user[u] + of_item[i]
        upper, lower = logistic_cdf(cuts[upto] - x), logistic_cdf(cuts[upto - 1] - x)
        p = max(upper - lower, 1e-12)
        # d log p / d cut: sigmoid' at the cut over p; x moves both the other way.
        by_upper, by_lower = upper * (1.0 - upper) / p, lower * (1.0 - lower) / p
        by_user[u] += by_upper - by_lower
        by_item[i] += by_upper - by_lower
        by_cut[upto] -= by_upper
        by_cut[upto - 1] += by_lower
        loss -= math.log(p)
    return loss
