"""Importance sampling by how often the target is in a state, in place of the product over all steps before it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from recenv.ope.contribution import Contribution
from recenv.ope.step_weighting import normalised, plain
from recenv.ope.trajectory_terms import TrajectoryTerms

Grid = NDArray[np.float64]


def state_weight(terms: TrajectoryTerms, k: int = 0) -> Grid:
    """Return the weights (n, T) of `state_marginal_*`.

        w_t = rho_{t-k} ... rho_t * d_target(s_{t-k}) / d_logging(s_{t-k}),  rho = target / propensity

    The ratio at t - k belongs to the product, since a state's density does not know its action. Before step k this is
    the plain product of all ratios.
    """
    assert terms.state_marginal_ratio is not None  # `estimate` has checked what an estimator needs
    return _carried(terms, terms.state_marginal_ratio * terms.ratio, k)


def state_action_weight(terms: TrajectoryTerms, k: int = 0) -> Grid:
    """Return the weights (n, T) of `state_action_marginal_*`: d(s, a) at t - k, then the k ratios after it."""
    assert terms.state_action_marginal_ratio is not None
    return _carried(terms, terms.state_action_marginal_ratio, k)


def _carried(terms: TrajectoryTerms, marginal: Grid, k: int) -> Grid:
    if k < 0 or k != int(k):
        raise ValueError(f"k must be a whole number of steps from 0 on, not {k}")
    ratio, result = terms.ratio, terms.cumulative.copy()
    for t in range(int(k), terms.steps):
        result[:, t] = marginal[:, t - int(k)] * ratio[:, t - int(k) + 1 : t + 1].prod(axis=1)
    return result


def state_marginal_is(terms: TrajectoryTerms, gamma: float | None = None, k: int = 0) -> Contribution:
    """State-marginal importance sampling: mean(sum_t gamma^t w_t r_t), w of `state_weight`.

    Assumes a Markov state and right ratios; their own error is in no interval.
    Reference: Liu, Li, Tang and Zhou (2018); Yuan et al. (2021) for k.
    """
    return plain(terms, state_weight(terms, k), gamma, model=False)


def state_marginal_snis(terms: TrajectoryTerms, gamma: float | None = None, k: int = 0) -> Contribution:
    """`state_marginal_is` with each step divided by its mean weight."""
    return normalised(terms, state_weight(terms, k), gamma, model=False)


def state_marginal_dr(terms: TrajectoryTerms, gamma: float | None = None, k: int = 0) -> Contribution:
    """Doubly robust with the weights of `state_weight`: right if either ratios or value model are.

    Reference: Kallus and Uehara (2020).
    """
    return plain(terms, state_weight(terms, k), gamma, model=True)


def state_marginal_sndr(terms: TrajectoryTerms, gamma: float | None = None, k: int = 0) -> Contribution:
    """`state_marginal_dr` with each step's weights divided by their mean."""
    return normalised(terms, state_weight(terms, k), gamma, model=True)


def state_action_marginal_is(terms: TrajectoryTerms, gamma: float | None = None, k: int = 0) -> Contribution:
    """State-action-marginal importance sampling: mean(sum_t gamma^t w_t r_t), w of `state_action_weight`.

    Assumes a Markov state and right ratios. Reference: Xie, Ma and Wang (2019); Yuan et al. (2021) for k.
    """
    return plain(terms, state_action_weight(terms, k), gamma, model=False)


def state_action_marginal_snis(terms: TrajectoryTerms, gamma: float | None = None, k: int = 0) -> Contribution:
    """`state_action_marginal_is` with each step divided by its mean weight."""
    return normalised(terms, state_action_weight(terms, k), gamma, model=False)


def state_action_marginal_dr(terms: TrajectoryTerms, gamma: float | None = None, k: int = 0) -> Contribution:
    """Doubly robust with the weights of `state_action_weight`. Reference: Kallus and Uehara (2020)."""
    return plain(terms, state_action_weight(terms, k), gamma, model=True)


def state_action_marginal_sndr(terms: TrajectoryTerms, gamma: float | None = None, k: int = 0) -> Contribution:
    """`state_action_marginal_dr` with each step's weights divided by their mean."""
    return normalised(terms, state_action_weight(terms, k), gamma, model=True)


def drl(terms: TrajectoryTerms, gamma: float | None = None) -> Contribution:
    """Double reinforcement learning: mean(v_0 + sum_t gamma^t w_t (r_t + gamma v_{t+1} - q_t)), w of state and item.

    Efficient in a Markov decision process when ratios and model are fitted out of fold.
    Reference: Kallus and Uehara (2020).
    """
    return plain(terms, state_action_weight(terms), gamma, model=True)
