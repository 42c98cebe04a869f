"""How much more often the target policy is in a state than the logging policy, step by step."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from recenv.ope.state_groups import conditional_mean

Grid = NDArray[np.float64]


class MarginalRatios(NamedTuple):
    """Ratios of the two policies' densities at each step."""

    state: Grid
    """(n, T) d_target(s_t) / d_logging(s_t); having left counts as a state."""
    state_action: Grid
    """(n, T) the same times target / propensity of the logged item."""


def marginal_ratios(state: NDArray[Any], ratio: Grid, valid: NDArray[np.bool_]) -> MarginalRatios:
    """Estimate the ratios forward in time: w_{t+1}(s) = E[w_t(s_t) rho_t | s_{t+1} = s], w_0 = 1.

    Parameters
    ----------
    state : (n, T) integer codes, or (n, T, F) features
        The declared Markov state: means by code, or least squares.
    ratio : (n, T) array
        rho = target / propensity, 1 where not valid.
    valid : (n, T) array of bool
        Whether the step was logged.

    Assumes that the state is Markov and both policies depend on the past through it. A least-squares ratio is cut at
    0. Reference: Xie, Ma and Wang (2019).
    """
    result, held = np.ones_like(ratio), np.ones(len(ratio))
    for t in range(ratio.shape[1]):
        if t:
            result[:, t] = np.maximum(conditional_mean(state[:, t], valid[:, t])(held), 0.0)
        held = result[:, t] * ratio[:, t]
    return MarginalRatios(result, result * ratio)
