"""The baseline that a world must beat: ordinal ratings by how generous the user and how good the item is, no taste.

P(rating <= l) = sigmoid(tau_l - b_u - b_i), proportional odds (`mccullagh1980regression`) with the world's own penalty
on the biases, by unweighted maximum likelihood on the first part.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

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

    def loss(parameters: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        return _loss(parameters, user, item, whole, shape, penalty)

    found = minimize(loss, start, jac=True, method="L-BFGS-B", options={"maxiter": 100, "ftol": 1e-7}).x
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
    x = biases[user] + biases[users + item]
    upper, lower = _sigmoid(cuts[level] - x), _sigmoid(cuts[level - 1] - x)
    p = np.maximum(upper - lower, 1e-12)
    # d log p / d cut: sigmoid' at the cut over p; x moves both the other way.
    by_upper, by_lower = upper * (1 - upper) / p, -lower * (1 - lower) / p
    by_x = by_upper + by_lower
    gradient_cuts = np.bincount(level, by_upper, levels + 1) + np.bincount(level - 1, by_lower, levels + 1)
    inner = -gradient_cuts[1:levels]
    later = np.cumsum(inner[::-1])[::-1]  # a gap moves every threshold above it
    gradient = np.concatenate(
        [
            np.bincount(user, by_x, users) + penalty * biases[:users],
            np.bincount(item, by_x, items) + penalty * biases[users:],
            later[:1],
            later[1:] * np.exp(free[1:]),
        ]
    )
    return float(0.5 * penalty * (biases @ biases) - np.log(p).sum()), gradient


def _sigmoid(x: NDArray[np.float64]) -> NDArray[np.float64]:
    return 1.0 / (1.0 + np.exp(-x))
