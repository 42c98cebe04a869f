"""Epsilon-greedy and softmax on a neural prediction of the reward."""

from __future__ import annotations

import copy
from typing import Any, Self

from recenv.agents.exploration import EpsilonGreedy, Exploration, Softmax
from recenv.agents.neural.agent import NeuralAgent
from recenv.agents.neural.config import NeuralConfig
from recenv.agents.options import options_record
from recenv.agents.schedules import make_schedule
from recenv.protocol import Catalogue


class EpsilonGreedyAgent(NeuralAgent):
    """Shows the item with the highest predicted reward, and with probability epsilon a uniform one.

    Parameters
    ----------
    catalogue
        Of the environment.
    seed
        Of the initial parameters and of the rows that gradient steps draw.
    device
        Where the network lives: "cpu", "cuda", ...
    epsilon
        Share of decisions drawn uniformly, in [0, 1].
    epsilon_start, epsilon_steps, schedule
        The share goes from `epsilon_start` to `epsilon` over the first `epsilon_steps` decisions that were learned
        from, "linear" or "exponential"; with "constant" it is `epsilon` from the first.
    options
        Fields of `NeuralConfig`; another name is refused.
    """

    name = "epsilon_greedy"

    def __init__(
        self,
        catalogue: Catalogue,
        *,
        seed: int = 0,
        device: str = "cpu",
        epsilon: float = 0.01,
        epsilon_start: float = 1.0,
        epsilon_steps: int = 5_000,
        schedule: str = "constant",
        **options: Any,
    ) -> None:
        EpsilonGreedy(epsilon), EpsilonGreedy(epsilon_start)
        beside = {
            "epsilon": epsilon, "epsilon_start": epsilon_start, "epsilon_steps": epsilon_steps, "schedule": schedule
        }  # fmt: skip
        config = options_record(NeuralConfig, options, self.name, beside=tuple(beside))
        self.schedule = make_schedule(schedule, epsilon_start, epsilon, epsilon_steps)
        super().__init__(catalogue, config=config, options={**beside, **options}, seed=seed, device=device)

    @property
    def exploration(self) -> Exploration:
        """Exploration at this point of training."""
        return EpsilonGreedy(self.schedule.value(self.steps))

    def exploring(self, strength: float) -> Self:
        """Return the same scorer with a constant epsilon; the two share one network from then on."""
        EpsilonGreedy(strength)
        return _with_constant(self, "epsilon", strength)


class SoftmaxAgent(NeuralAgent):
    """Draws items by exp(predicted reward / temperature).

    Parameters
    ----------
    catalogue
        Of the environment.
    seed
        Of the initial parameters and of the rows that gradient steps draw.
    device
        Where the network lives: "cpu", "cuda", ...
    temperature
        In units of the reward, above 0.
    temperature_start, temperature_steps, schedule
        The temperature goes from `temperature_start` to `temperature` over the first `temperature_steps` decisions that
        were learned from, "linear" or "exponential"; with "constant" it is `temperature` from the first.
    options
        Fields of `NeuralConfig`; another name is refused.
    """

    name = "softmax"

    def __init__(
        self,
        catalogue: Catalogue,
        *,
        seed: int = 0,
        device: str = "cpu",
        temperature: float = 0.05,
        temperature_start: float = 1.0,
        temperature_steps: int = 5_000,
        schedule: str = "constant",
        **options: Any,
    ) -> None:
        Softmax(temperature), Softmax(temperature_start)
        beside = {
            "temperature": temperature,
            "temperature_start": temperature_start,
            "temperature_steps": temperature_steps,
            "schedule": schedule,
        }
        config = options_record(NeuralConfig, options, self.name, beside=tuple(beside))
        self.schedule = make_schedule(schedule, temperature_start, temperature, temperature_steps)
        super().__init__(catalogue, config=config, options={**beside, **options}, seed=seed, device=device)

    @property
    def exploration(self) -> Exploration:
        """Exploration at this point of training."""
        return Softmax(self.schedule.value(self.steps))

    def exploring(self, strength: float) -> Self:
        """Return the same scorer with a constant temperature; the two share one network from then on."""
        Softmax(strength)
        return _with_constant(self, "temperature", strength)


def _with_constant(agent: Any, knob: str, strength: float) -> Any:
    other = copy.copy(agent)
    other.options = {**agent.options, knob: strength, "schedule": "constant"}
    other.schedule = make_schedule("constant", strength, strength, 0)
    return other


epsilon_greedy_agent = EpsilonGreedyAgent
softmax_agent = SoftmaxAgent
