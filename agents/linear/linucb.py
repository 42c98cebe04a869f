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

from recenv.agents.candidates import known_candidates
from recenv.agents.linear.agent import LinearAgent, LinearConfig
from recenv.agents.linear.joint_features import state_features
from recenv.agents.linear.posterior_scores import Greedy, Scored
from recenv.agents.options import options_record
from recenv.protocol import Catalogue, Decision, Request


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

    def act(self, request: Request, *, rng: np.random.Generator, explore: bool = True) -> Decision:
        """Choose a slate for each of B users; a single item without working out the bounds of all."""
        items = np.full(1, -1)
        if request.slate_size == 1:
            states = state_features(request.observation, self.catalogue.observation_size)
            candidates = known_candidates(request.candidates, self.catalogue.n_items)
            items = self.posterior.highest_bounds(states, candidates, self.alpha * explore, self.config.caution)
        if (items < 0).any():  # a slate, a user without candidates, or an observation that is not finite
            return super().act(request, rng=rng, explore=explore)
        return Decision(items[:, None], np.ones(len(items)))
