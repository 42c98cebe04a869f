"""SquareCB: any regression turned into a bandit by inverse-gap weighting (Foster & Rakhlin 2020, `foster2020beyond`).

    gamma_t = scale t^exponent / s        t decisions learned from, s the deviation of the reward's noise

so that the scale means the same whatever the unit of the reward. The regression is the linear posterior, or one of the
neural scorers (`recenv.agents.neural.neural_squarecb`).
"""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recenv.agents.linear.agent import LinearAgent, LinearConfig
from recenv.agents.linear.inverse_gap import InverseGap
from recenv.agents.linear.posterior_scores import Scored
from recenv.agents.options import options_record
from recenv.agents.saving import read_agent
from recenv.protocol import Catalogue


@dataclass(frozen=True)
class GammaSchedule:
    """How the learning rate gamma of SquareCB grows."""

    gamma_scale: float = 20.0
    """At one decision and a noise of deviation 1; 0 or more."""
    gamma_exponent: float = 0.5
    """Of the number of decisions, 0 or more; 0.5 is the paper's."""

    def __post_init__(self) -> None:
        """Refuse what is negative or not finite."""
        for name, value in dataclasses.asdict(self).items():
            if not (math.isfinite(value) and value >= 0.0):
                raise ValueError(f"{name} must be 0 or more, got {value!r}")

    def after(self, decisions: float, noise: float) -> InverseGap:
        """Return the exploration after so many decisions, for a reward whose noise has this deviation."""
        return InverseGap(self.gamma_scale * max(decisions, 1.0) ** self.gamma_exponent / noise)


class LinearSquareCBAgent(LinearAgent):
    """Inverse-gap weighting on the means of the linear posterior.

    Parameters
    ----------
    catalogue
        Of the environment.
    seed, device
        Not used: exploration draws from the generator that is passed to `act`.
    gamma_scale, gamma_exponent
        See `GammaSchedule`.
    options
        Fields of `LinearConfig`; another name is refused.
    """

    name = "squarecb"

    def __init__(
        self,
        catalogue: Catalogue,
        *,
        seed: int = 0,
        device: str = "cpu",
        gamma_scale: float = 20.0,
        gamma_exponent: float = 0.5,
        **options: Any,
    ) -> None:
        self.gamma = GammaSchedule(gamma_scale, gamma_exponent)
        given = dataclasses.asdict(self.gamma)
        config = options_record(LinearConfig, options, self.name, beside=("scorer", *given))
        super().__init__(catalogue, config, {**given, **options})

    def exploring(self, mean: NDArray[np.float64], deviation: NDArray[np.float64]) -> Scored:
        """Return the posterior means, weighted by their inverse gaps."""
        noise = math.sqrt(float(self.posterior.noise(self.config.caution).mean()))
        return Scored(mean, self.gamma.after(float(self.posterior.count.sum()), noise))

    @classmethod
    def load(cls, path: str | Path, *, device: str = "cpu") -> Any:
        """Read a saved SquareCB agent, linear or neural; it goes on bit for bit where it was saved."""
        if "scorer" not in read_agent(path, (cls.name,)).options:
            return super().load(path, device=device)
        from recenv.agents.neural.neural_squarecb import NeuralSquareCBAgent

        return NeuralSquareCBAgent.load(path, device=device)


def squarecb_agent(
    catalogue: Catalogue, *, seed: int = 0, device: str = "cpu", scorer: str | None = None, **options: Any
) -> LinearSquareCBAgent:
    """Return SquareCB on the linear posterior, or on a neural scorer.

    Parameters
    ----------
    scorer
        None for the linear posterior, else the name of a neural scorer, as "mlp".
    options
        `gamma_scale`, `gamma_exponent`, and the fields of `LinearConfig` or `NeuralConfig`; another name is refused.
    """
    if scorer is None:
        return LinearSquareCBAgent(catalogue, seed=seed, device=device, **options)
    from recenv.agents.neural.neural_squarecb import NeuralSquareCBAgent

    made: Any = NeuralSquareCBAgent(catalogue, seed=seed, device=device, scorer=scorer, **options)
    return made
