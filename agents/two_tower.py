"""Two-tower bandit: predicts the immediate reward of an item from state and item, and learns as feedback comes in.

Contextual bandit, not planner: what an item does to the user's later steps is not in its target; `dqn` is for that.
"""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from recenv.agents.candidates import known_candidates
from recenv.agents.devices import torch_device
from recenv.agents.exploration import EpsilonGreedy, Exploration, Softmax
from recenv.agents.moments import Moments
from recenv.agents.observations import flat_observation
from recenv.agents.options import options_record
from recenv.agents.replay import Column, Replay
from recenv.agents.saving import (
    catalogue_arrays,
    generator_state,
    read_agent,
    restored_generator,
    saved_catalogue,
    write_agent,
)
from recenv.agents.schedules import LinearSchedule
from recenv.agents.scoring import ScoreAgent
from recenv.agents.torch_arrays import module_arrays, optimiser_arrays, restore_module, restore_optimiser
from recenv.agents.towers import TowerNetwork
from recenv.agents.two_tower_config import TwoTowerConfig
from recenv.protocol import Catalogue, Feedback, Request


class TwoTowerAgent(ScoreAgent):
    """State tower times item tower, with a choice of exploration; made by `epsilon_greedy_agent` or `softmax_agent`.

    Parameters
    ----------
    catalogue
        Of the environment.
    name
        Registered name, under which it is saved.
    options
        The factory's keyword arguments, to make it again.
    schedule
        Epsilon or temperature over the decisions learned from.
    seed
        Of the initial parameters and of the rows that gradient steps draw.
    device
        Where the towers live: "cpu", "cuda", ...
    """

    training_steps = 200_000
    """User steps that it is trained for by default."""

    def __init__(
        self,
        catalogue: Catalogue,
        *,
        name: str,
        options: dict[str, Any],
        config: TwoTowerConfig,
        schedule: LinearSchedule,
        seed: int = 0,
        device: str = "cpu",
    ) -> None:
        self.name, self.options, self.config, self.schedule = name, options, config, schedule
        self.catalogue = catalogue
        self.device = torch_device(device)
        self.rng = np.random.default_rng([seed, 0x70])
        self.network = TowerNetwork(
            catalogue.features, catalogue.observation_size, width=config.width, dims=config.dims, rng=self.rng
        ).to(self.device)
        self.optimiser = torch.optim.AdamW(
            self.network.parameters(), lr=config.learning_rate, weight_decay=config.weight_decay
        )
        self.rewards, self.observations = Moments(1), Moments(catalogue.observation_size)
        self.replay: Replay | None = None
        self.steps = 0
        self.debt = 0.0
        self._kept: tuple[torch.Tensor, torch.Tensor] | None = None

    @property
    def trained_on(self) -> tuple[int, ...]:
        """Fingerprint of the user-item pairs that the catalogue was made from."""
        return self.catalogue.fingerprint

    @property
    def exploration(self) -> Exploration:
        """Exploration at this point of training."""
        value = self.schedule.value(self.steps)
        return Softmax(value) if self.name == "softmax" else EpsilonGreedy(value)

    def exploring(self, strength: float) -> TwoTowerAgent:
        """Return the same scorer with a constant epsilon or temperature; the two share one network from then on."""
        knob = "temperature" if self.name == "softmax" else "epsilon"
        other = copy.copy(self)
        other.options = {**self.options, knob: strength, f"{knob}_start": strength, f"{knob}_steps": 0}
        other.schedule = LinearSchedule(strength, strength, 0)
        return other

    def scores(self, request: Request) -> NDArray[np.float64]:
        """Return (B, C) predicted rewards, in units of the reward."""
        candidates = known_candidates(request.candidates, self.catalogue.n_items)
        if self.steps < self.config.learning_starts:
            return np.log1p(self.catalogue.popularity)[candidates]
        flat = flat_observation(request.observation, self.catalogue.observation_size)
        with torch.no_grad():
            if self._kept is None:
                self._kept = self.network.items()
            score = self.network.scores(torch.tensor(flat, device=self.device), self._kept).cpu().numpy()
        chosen = np.take_along_axis(score, np.maximum(candidates, 0), axis=1)
        return self.rewards.mean[0] + self.rewards.spread()[0] * chosen.astype(np.float64)

    def update(self, feedback: Feedback) -> dict[str, float]:
        """Keep the feedback, and take as many gradient steps as `replay_ratio` asks for."""
        size = self.catalogue.observation_size
        flat = flat_observation(feedback.request.observation, size)
        items = np.asarray(feedback.decision.items)
        if self.replay is None:
            self.replay = _empty_replay(self.config, size, items.shape[1])
        self.replay.add({"observation": flat, "items": items, "reward": feedback.reward})
        self.rewards.add(np.asarray(feedback.reward)[:, None])
        self._scale(flat)
        self.steps += len(flat)
        if self.steps < self.config.learning_starts:
            return {}
        self.debt += len(flat) * self.config.replay_ratio / self.config.batch_size
        whole = int(self.debt)
        self.debt -= whole
        losses = [self._gradient_step() for _ in range(whole)]
        self._kept = None if losses else self._kept
        return {"loss": float(np.mean(losses))} if losses else {}

    def _scale(self, flat: NDArray[np.float32]) -> None:
        """Fit the scale of observations to the first rows, then leave it: a moving scale would move all scores."""
        if self.steps <= self.config.learning_starts:
            self.observations.add(flat)
            self.network.set_observation_scale(self.observations.mean, self.observations.spread())

    def _gradient_step(self) -> float:
        """Lower the squared error of the standardised reward on a batch; a slate's score is the sum of its items'."""
        assert self.replay is not None
        rows = self.replay.sample(self.config.batch_size, self.rng)
        shown = torch.as_tensor(rows["items"] >= 0, device=self.device)
        ids = torch.as_tensor(np.maximum(rows["items"], 0), dtype=torch.int64, device=self.device)
        target = (rows["reward"] - self.rewards.mean[0]) / self.rewards.spread()[0]
        score = (self.network.pair_scores(torch.as_tensor(rows["observation"], device=self.device), ids) * shown).sum(1)
        loss = torch.nn.functional.mse_loss(score, torch.as_tensor(target, dtype=torch.float32, device=self.device))
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()
        self.optimiser.step()
        return float(loss.detach())

    def save(self, path: str | Path) -> None:
        """Write the agent as a folder: parameters, optimiser, replay, counters and generator."""
        state = {
            "observation_size": self.catalogue.observation_size,
            "steps": self.steps,
            "debt": self.debt,
            "rng": generator_state(self.rng),
        }
        arrays: dict[str, NDArray[Any]] = {
            **catalogue_arrays(self.catalogue),
            **module_arrays(self.network, "network."),
            **optimiser_arrays(self.optimiser, "optimiser."),
            **self.rewards.arrays("rewards."),
            **self.observations.arrays("observations."),
            **(self.replay.arrays("replay.") if self.replay else {}),
        }
        write_agent(path, self.name, options=self.options, trained_on=self.trained_on, state=state, arrays=arrays)

    @classmethod
    def load(cls, path: str | Path, *, device: str = "cpu") -> TwoTowerAgent:
        """Read a saved agent; it goes on bit for bit where it was saved (on the same kind of device)."""
        saved = read_agent(path, tuple(_FACTORIES))
        agent = _FACTORIES[saved.name](saved_catalogue(saved), device=device, **saved.options)
        agent._restore(saved.state, saved.arrays)
        return agent

    def _restore(self, state: dict[str, Any], arrays: dict[str, NDArray[Any]]) -> None:
        restore_module(self.network, arrays, "network.")
        restore_optimiser(self.optimiser, arrays, "optimiser.")
        self.rewards.restore(arrays, "rewards.")
        self.observations.restore(arrays, "observations.")
        if "replay.items" in arrays:
            items = arrays["replay.items"]
            self.replay = _empty_replay(self.config, self.catalogue.observation_size, items.shape[1])
            self.replay.restore(arrays, "replay.")
        self.steps, self.debt = state["steps"], state["debt"]
        self.rng = restored_generator(state["rng"])


def epsilon_greedy_agent(
    catalogue: Catalogue,
    *,
    seed: int = 0,
    device: str = "cpu",
    epsilon: float = 0.05,
    epsilon_start: float = 1.0,
    epsilon_steps: int = 5_000,
    **options: Any,
) -> TwoTowerAgent:
    """Return the two-tower agent that explores uniformly with probability epsilon.

    Parameters
    ----------
    epsilon
        Share of decisions drawn uniformly, in [0, 1], once `epsilon_steps` decisions were learned from; before that
        the share falls on a line from `epsilon_start`.
    options
        Fields of `TwoTowerConfig`; another name is refused.
    """
    EpsilonGreedy(epsilon), EpsilonGreedy(epsilon_start)
    given = {"epsilon": epsilon, "epsilon_start": epsilon_start, "epsilon_steps": epsilon_steps, **options}
    return TwoTowerAgent(
        catalogue,
        name="epsilon_greedy",
        options=given,
        config=options_record(
            TwoTowerConfig, options, "epsilon_greedy", beside=("epsilon", "epsilon_start", "epsilon_steps")
        ),
        schedule=LinearSchedule(epsilon_start, epsilon, epsilon_steps),
        seed=seed,
        device=device,
    )


def softmax_agent(
    catalogue: Catalogue,
    *,
    seed: int = 0,
    device: str = "cpu",
    temperature: float = 0.1,
    temperature_start: float = 1.0,
    temperature_steps: int = 5_000,
    **options: Any,
) -> TwoTowerAgent:
    """Return the two-tower agent that draws items by exp(predicted reward / temperature).

    Parameters
    ----------
    temperature
        In units of the reward, above 0, once `temperature_steps` decisions were learned from; before that it falls on
        a line from `temperature_start`.
    options
        Fields of `TwoTowerConfig`; another name is refused.
    """
    Softmax(temperature), Softmax(temperature_start)
    given = {
        "temperature": temperature,
        "temperature_start": temperature_start,
        "temperature_steps": temperature_steps,
        **options,
    }
    return TwoTowerAgent(
        catalogue,
        name="softmax",
        options=given,
        config=options_record(
            TwoTowerConfig, options, "softmax", beside=("temperature", "temperature_start", "temperature_steps")
        ),
        schedule=LinearSchedule(temperature_start, temperature, temperature_steps),
        seed=seed,
        device=device,
    )


_FACTORIES = {"epsilon_greedy": epsilon_greedy_agent, "softmax": softmax_agent}


def _empty_replay(config: TwoTowerConfig, observation_size: int, slate_size: int) -> Replay:
    return Replay(
        config.replay_size,
        {
            "observation": Column((observation_size,), np.float32),
            "items": Column((slate_size,), np.int32),
            "reward": Column((), np.float64),
        },
    )
