"""Stationary-distribution correction: the saddle point of DualDICE in closed form."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from recenv.ope.contribution import Contribution
from recenv.ope.marginal_ratio import MarginalRatios, marginal_ratios
from recenv.ope.state_groups import conditional_mean, group_mean, pair_code
from recenv.ope.step_weighting import discounts, episode_weight, linearised
from recenv.ope.trajectory_terms import TrajectoryTerms

Grid = NDArray[np.float64]


def dual_dice(terms: TrajectoryTerms, gamma: float | None = None) -> Contribution:
    """Mean discounted reward under the corrected distribution: sum_t gamma^t mean(zeta_t r_t).

    zeta_t = omega_t(s) rho_t solves the flow equations E[zeta_t f(s_{t+1})] = E[omega_{t+1} f(s_{t+1})] for every f of
    the declared state at every step, which is where both players' gradients of

        min_nu max_zeta E[zeta (nu(s, a) - gamma E_target nu(s', a')) - zeta^2 / 2] - (1 - gamma) E_target[nu(s_0, a_0)]

    vanish when both classes are linear in the indicators of state, item and step. Codes of the state are solved
    exactly by group means, features by least squares (relative ridge 1e-10). With `action` the logging policy is the
    log's own frequency of an item in a state, so that no propensity is used; without, it is the logged propensity.
    The step belongs to the state, hence the estimand is that of horizon T and discount gamma.

    The influence counts the noise of zeta: v_0 + sum_t gamma^t omega_t (rho_t (r_t + gamma v_{t+1}) - v_t), v fitted by
    the adjoint recursion, less what counting the propensities explains. Assumes a Markov state and a logging policy
    that depends on it alone.
    Reference: Nachum, Chow, Dai and Li (2019).
    """
    assert terms.state is not None  # `estimate` has checked what an estimator needs
    discount, ratio = discounts(terms, gamma), _ratio(terms)
    found = marginal_ratios(terms.state, ratio, terms.valid)
    value = float((found.state_action * terms.reward).mean(axis=0) @ discount[:-1])
    influence = _influence(terms, ratio, found, discount)
    return linearised(value, influence, episode_weight(found.state_action, discount))


def _counts_propensity(terms: TrajectoryTerms) -> bool:
    return terms.action is not None and terms.state is not None and terms.state.ndim == 2


def _ratio(terms: TrajectoryTerms) -> Grid:
    """Return rho (n, T) with the propensity logged, or counted where items are given and states are codes."""
    if not _counts_propensity(terms):
        return terms.ratio
    assert terms.state is not None
    assert terms.action is not None
    valid, result = terms.valid, np.ones_like(terms.target)
    state = terms.state[valid]
    result[valid] = terms.target[valid] * _frequency(state) / _frequency(pair_code(state, terms.action[valid]))
    return result


def _frequency(code: NDArray[np.integer]) -> NDArray[np.int64]:
    """Return how often each row's code (n,) occurs."""
    _, place, count = np.unique(code, return_inverse=True, return_counts=True)
    return np.asarray(count[place])


def _influence(
    terms: TrajectoryTerms, ratio: Grid, found: MarginalRatios, discount: NDArray[np.float64]
) -> NDArray[np.float64]:
    assert terms.state is not None
    valid, value, influence = terms.valid, np.zeros(terms.rows), np.zeros(terms.rows)
    weighted = np.zeros_like(ratio)
    for t in reversed(range(terms.steps)):
        outcome, here = terms.reward[:, t] + discount[1] * value, valid[:, t]
        weighted[:, t] = discount[t] * found.state_action[:, t] * outcome
        value = np.where(here, conditional_mean(terms.state[:, t], here)(ratio[:, t] * outcome), 0.0)
        influence += weighted[:, t] - discount[t] * found.state[:, t] * value
    influence += value
    if _counts_propensity(terms):
        influence -= _of_counting(terms, weighted)
    return np.asarray(influence - influence.mean())


def _of_counting(terms: TrajectoryTerms, weighted: Grid) -> NDArray[np.float64]:
    """Return what counting the propensities takes off the influence: sum_t E[y | s, a] - E[y | s], y = `weighted`."""
    assert terms.state is not None
    assert terms.action is not None
    valid, result = terms.valid, np.zeros_like(weighted)
    state, y = terms.state[valid], weighted[valid]
    result[valid] = group_mean(pair_code(state, terms.action[valid]))(y) - group_mean(state)(y)
    return np.asarray(result.sum(axis=1))
