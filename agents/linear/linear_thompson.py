"""Linear Thompson sampling: shows an item as often as it is likely to be the best (`agrawal2013thompson`).

The posterior is `LinearPosterior`'s, with the noise of each item from its normal-inverse-gamma part
(`riquelme2018deep`); the expected rewards of a request's items are drawn independently from their exact marginals.
Nothing is drawn to get there: `BestOfNormals` integrates, so probabilities are the agent's exact ones.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recenv.agents.linear.agent import LinearAgent, LinearConfig
from recenv.agents.linear.best_of_normals import BestOfNormals
from recenv.agents.linear.posterior_scores import Scored
from recenv.agents.options import options_record
from recenv.protocol import Catalogue


class LinearThompsonAgent(LinearAgent):
    """Probability matching on a linear posterior.

    Parameters
    ----------
    catalogue
        Of the environment.
    seed, device
        Not used: exploration draws from the generator that is passed to `act`.
    width
        Factor on the posterior's standard deviation, above 0; 1 is Thompson sampling proper.
    options
        Fields of `LinearConfig`; another name is refused.
    """

    name = "linear_thompson"

    def __init__(
        self, catalogue: Catalogue, *, seed: int = 0, device: str = "cpu", width: float = 0.2, **options: Any
    ) -> None:
        if not (math.isfinite(width) and width > 0.0):
            raise ValueError(f"width must be above 0, got {width!r}; greedy is act(explore=False)")
        config = options_record(LinearConfig, options, self.name, beside=("width",))
        super().__init__(catalogue, config, {"width": width, **options})
        self.width = width

    def exploring(self, mean: NDArray[np.float64], deviation: NDArray[np.float64]) -> Scored:
        """Return the posterior means, with the probability of each to be the best."""
        return Scored(mean, BestOfNormals(self.width * deviation))
