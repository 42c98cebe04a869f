"""LinUCB: shows the item whose reward may well be the highest (Li et al. 2010, `li2010contextual`).

    score(s, a) = m_a . x + alpha s_a sqrt(x' C_a x)

with the posterior of `LinearPosterior`: Li's hybrid model, in which items share what their features explain. Alpha is
in posterior standard deviations, so it means the same whatever the unit of the reward. s_a is the cautious one
(`LinearConfig.caution`): an item that was hardly shown may be noisier than the others are.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recenv.agents.linear.agent import LinearAgent, LinearConfig
from recenv.agents.linear.posterior_scores import Greedy, Scored
from recenv.agents.options import options_record
from recenv.protocol import Catalogue


class LinUCBAgent(LinearAgent):
    """Optimism in the face of uncertainty; a decision is certain given the request, so its probability is 1.

    Parameters
    ----------
    catalogue
        Of the environment.
    seed, device
        Not used: nothing is drawn, and the posterior lives in numpy arrays.
    alpha
        Posterior standard deviations added to the mean, 0 or more.
    options
        Fields of `LinearConfig`; another name is refused.
    """

    name = "linucb"

    def __init__(
        self, catalogue: Catalogue, *, seed: int = 0, device: str = "cpu", alpha: float = 0.7, **options: Any
    ) -> None:
        if not (math.isfinite(alpha) and alpha >= 0.0):
            raise ValueError(f"alpha must be 0 or more, got {alpha!r}")
        config = options_record(LinearConfig, options, self.name, beside=("alpha",))
        super().__init__(catalogue, config, {"alpha": alpha, **options})
        self.alpha = alpha

    def exploring(self, mean: NDArray[np.float64], deviation: NDArray[np.float64]) -> Scored:
        """Return the upper confidence bounds, followed greedily."""
        return Greedy(mean + self.alpha * deviation)
