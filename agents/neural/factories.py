"""Epsilon-greedy and softmax on a neural prediction of the reward."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any, ClassVar, Self

from recenv.agents.exploration import EpsilonGreedy, Exploration, Softmax
from recenv.agents.neural.agent import NeuralAgent
from recenv.agents.neural.config import NeuralConfig
from recenv.agents.options import options_record
from recenv.agents.schedules import make_schedule
from recenv.protocol import Catalogue


class ScheduledAgent(NeuralAgent):
    """Explores by one law, of a strength that may fall as it learns.

    Parameters
    ----------
    catalogue
        Of the environment.
    strength, start, steps, schedule
        Of the law: from `start` to `strength` over the first `steps` decisions, see `make_schedule`.
    options
        Fields of `NeuralConfig`; another name is refused.
    seed, device
        See `NeuralAgent`.
    """

    knob: ClassVar[str]
    """What the strength is called."""
    law: ClassVar[Callable[[float], Exploration]]
    """Exploration of a strength; it refuses one that cannot be."""

    def __init__(
        self,
        catalogue: Catalogue,
        strength: float,
        start: float,
        steps: int,
        schedule: str,
        options: dict[str, Any],
        *,
        seed: int,
        device: str,
    ) -> None:
        law, knob = type(self).law, self.knob
        law(strength), law(start)
        beside = {knob: strength, f"{knob}_start": start, f"{knob}_steps": steps, "schedule": schedule}
        config = options_record(NeuralConfig, options, self.name, beside=tuple(beside))
        self.schedule = make_schedule(schedule, start, strength, steps)
        super().__init__(catalogue, config=config, options={**beside, **options}, seed=seed, device=device)

    @property
    def exploration(self) -> Exploration:
        """Exploration at this point of training."""
        return type(self).law(self.schedule.value(self.steps))

    def exploring(self, strength: float) -> Self:
        """Return the same scorer with exploration of a constant strength; the two share one network from then on."""
        type(self).law(strength)
        other = copy.copy(self)
        other.options = {**self.options, self.knob: strength, "schedule": "constant"}
        other.schedule = make_schedule("constant", strength, strength, 0)
        return other


class EpsilonGreedyAgent(ScheduledAgent):
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
    knob = "epsilon"
    law = EpsilonGreedy

    def __init__(
        self,
        catalogue: Catalogue,
        *,
        seed: int = 0,
        device: str = "cpu",
        epsilon: float = 0.005,
        epsilon_start: float = 1.0,
        epsilon_steps: int = 5_000,
        schedule: str = "constant",
        **options: Any,
    ) -> None:
        how = (epsilon, epsilon_start, epsilon_steps, schedule)
        super().__init__(catalogue, *how, options, seed=seed, device=device)


class SoftmaxAgent(ScheduledAgent):
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
    knob = "temperature"
    law = Softmax

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
        how = (temperature, temperature_start, temperature_steps, schedule)
        super().__init__(catalogue, *how, options, seed=seed, device=device)


epsilon_greedy_agent = EpsilonGreedyAgent
softmax_agent = SoftmaxAgent
