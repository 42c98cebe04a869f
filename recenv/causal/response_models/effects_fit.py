"""Most likely effects: penalised likelihood of a logistic or an ordinal response, by L-BFGS.

Minimised over effects w, coefficients b of given columns h, and the loss's own parameters:

    sum_rows weight loss(u_w + h b) + 1/2 sum_k w_k^2 / v_k + 1/2 sum_j b_j^2 / v_j

Weights are searched in units of their prior deviation, which conditions the problem. Both losses are concave
log-likelihoods, so the start does not matter.
"""

from __future__ import annotations

from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from recenv.causal.response_models.feature_cells import Cells
from recenv.causal.response_models.feature_effects import Effects, Variances

STEPS = 200
TOLERANCE = 1e-7
"""Of the loss; on Coat the expected ratings are then within 0.001 of the minimum's."""
Slopes = tuple[float, NDArray[np.float64], NDArray[np.float64]]


class Loss(Protocol):
    """A loss of utilities, with parameters of its own."""

    def start(self) -> NDArray[np.float64]:
        """Return (k,) where its own parameters begin."""
        ...

    def value(self, utility: NDArray[np.float64], own: NDArray[np.float64]) -> Slopes:
        """Return the loss, d loss / d utility (n,) and d loss / d own (k,)."""
        ...


class Logistic(NamedTuple):
    """-weight log P(o), logit P(1) = offset + utility."""

    observed: NDArray[np.float64]
    """(n,) o, 0 or 1."""
    weight: NDArray[np.float64]
    """(n,)."""
    offset: float

    def start(self) -> NDArray[np.float64]:
        """Return nothing: it has no parameters of its own."""
        return np.zeros(0)

    def value(self, utility: NDArray[np.float64], own: NDArray[np.float64]) -> Slopes:
        """See `Loss`."""
        logit = utility + self.offset
        p = sigmoid(logit)
        loss = float(self.weight @ (np.logaddexp(0.0, logit) - self.observed * logit))
        return loss, self.weight * (p - self.observed), own


class ProportionalOdds(NamedTuple):
    """-weight log P(level), P(rating <= l) = sigmoid(tau_l - utility) (`mccullagh1980regression`).

    One rating of each level at utility 0 is added, so that a level which does not occur keeps a probability.
    """

    level: NDArray[np.integer]
    """(n,) 1..L."""
    weight: NDArray[np.float64]
    """(n,)."""
    levels: int
    """L."""

    def start(self) -> NDArray[np.float64]:
        """Return the first threshold and the logarithms of the gaps, from the shares of the levels."""
        count = 1.0 + np.bincount(self.level - 1, weights=self.weight, minlength=self.levels)
        cuts = np.cumsum(count / count.sum())[:-1]
        tau = np.log(cuts / (1 - cuts))
        return np.concatenate([tau[:1], np.log(np.diff(tau))])

    def value(self, utility: NDArray[np.float64], own: NDArray[np.float64]) -> Slopes:
        """See `Loss`."""
        level = np.concatenate([self.level, np.arange(1, self.levels + 1)])
        weight = np.concatenate([self.weight, np.ones(self.levels)])
        u = np.concatenate([utility, np.zeros(self.levels)])
        edge = np.concatenate([[-np.inf], thresholds_of(own), [np.inf]])
        upper, lower = sigmoid(edge[level] - u), sigmoid(edge[level - 1] - u)
        probability = np.maximum(upper - lower, 1e-300)
        by_upper, by_lower = (weight * p * (1 - p) / probability for p in (upper, lower))
        size = self.levels + 1
        by_tau = (np.bincount(level - 1, by_lower, size) - np.bincount(level, by_upper, size))[1:-1]
        by_step = np.cumsum(by_tau[::-1])[::-1]
        by_own = np.concatenate([by_step[:1], by_step[1:] * np.exp(own[1:])])
        return -float(weight @ np.log(probability)), (by_upper - by_lower)[: len(utility)], by_own


class FittedEffects(NamedTuple):
    """What was found."""

    effects: Effects
    coefficient: NDArray[np.float64]
    """(m,) b."""
    own: NDArray[np.float64]
    """(k,) the loss's own parameters."""


def fit_effects(
    cells: Cells,
    loss: Loss,
    variances: Variances,
    columns: NDArray[np.float64],
    column_variance: NDArray[np.float64],
) -> FittedEffects:
    """Return the minimum.

    Parameters
    ----------
    cells
        n cells.
    loss
        Of their n utilities.
    columns
        (n, m) h.
    column_variance
        (m,) v_j, prior variances of b.
    """
    from scipy.optimize import minimize

    deviation, spread = cells.sides.deviations(variances), np.sqrt(column_variance)
    ends = np.cumsum([len(deviation), len(spread)])

    def objective(flat: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        w, b, own = np.split(flat, ends)
        utility = cells.utility(cells.sides.unflat(deviation * w)) + columns @ (spread * b)
        value, slope, by_own = loss.value(utility, own)
        gradient = [deviation * cells.gradient(slope) + w, spread * (columns.T @ slope) + b, by_own]
        return value + 0.5 * float(w @ w + b @ b), np.concatenate(gradient)

    start = np.concatenate([np.zeros(ends[1]), loss.start()])
    options = {"maxiter": STEPS, "maxcor": 20, "ftol": TOLERANCE}
    found = minimize(objective, start, jac=True, method="L-BFGS-B", options=options).x
    w, b, own = np.split(found, ends)
    return FittedEffects(cells.sides.unflat(deviation * w), spread * b, own)


def thresholds_of(own: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return (L - 1,) ascending thresholds of the first one and the logarithms of the gaps."""
    return np.cumsum(np.concatenate([own[:1], np.exp(own[1:])]))


def sigmoid(z: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return 1 / (1 + exp(-z))."""
    from scipy.special import expit

    found: NDArray[np.float64] = expit(z)
    return found
