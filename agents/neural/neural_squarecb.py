"""SquareCB on a neural prediction of the reward (Foster & Rakhlin 2020, `foster2020beyond`)."""

from __future__ import annotations

import dataclasses
from typing import Any

from recenv.agents.exploration import Exploration
from recenv.agents.linear.squarecb import GammaSchedule
from recenv.agents.neural.agent import NeuralAgent
from recenv.agents.neural.config import NeuralConfig
from recenv.agents.options import options_record
from recenv.protocol import Catalogue


class NeuralSquareCBAgent(NeuralAgent):
    """Inverse-gap weighting on predicted rewards; made by `squarecb_agent(..., scorer="mlp")`.

    The noise in the units of gamma is the deviation of the reward itself, which no network has to be asked for.

    Parameters
    ----------
    catalogue
        Of the environment.
    seed
        Of the initial parameters and of the rows that gradient steps draw.
    device
        Where the network lives: "cpu", "cuda", ...
    scorer
        Name of the scorer.
    gamma_scale, gamma_exponent
        See `GammaSchedule`.
    options
        Fields of `NeuralConfig`; another name is refused.
    """

    name = "squarecb"

    def __init__(
        self,
        catalogue: Catalogue,
        *,
        seed: int = 0,
        device: str = "cpu",
        scorer: str = "mlp",
        gamma_scale: float = 20.0,
        gamma_exponent: float = 0.5,
        **options: Any,
    ) -> None:
        self.gamma = GammaSchedule(gamma_scale, gamma_exponent)
        given = dataclasses.asdict(self.gamma)
        network = {"scorer": scorer, **options}
        config = options_record(NeuralConfig, network, self.name, beside=tuple(given))
        super().__init__(catalogue, config=config, options={**given, **network}, seed=seed, device=device)

    @property
    def exploration(self) -> Exploration:
        """Exploration at this point of training."""
        return self.gamma.after(self.steps, float(self.rewards.spread()[0]))
