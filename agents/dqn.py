"""DQN: plans ahead. Stable-Baselines3's DQN with a Q-head of two towers (Mnih et al. 2015, `mnih2015human`).

    Q(s, a) = f(s) . g(a) + v(s) + b(a)
    target  = r + gamma * (1 - terminated) * Q_target(s', argmax_a Q(s', a))      a not yet shown in the session

The maximum is chosen by the online and valued by the target network (double DQN, van Hasselt et al. 2016,
`vanhasselt2016double`): a plain maximum over a catalogue picks up the noise of all its items.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from recenv.agents.candidates import candidates_left, known_candidates
from recenv.agents.devices import torch_device
from recenv.agents.double_q import double_q_value
from recenv.agents.dqn_config import DQNConfig
from recenv.agents.exploration import EpsilonGreedy, Exploration
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
from recenv.protocol import Catalogue, Request


class DQNAgent(ScoreAgent):
    """Epsilon-greedy on learned action values; `learn` owns the training loop, `update` does nothing.

    Parameters
    ----------
    catalogue
        Of the environment.
    seed
        Of the initial parameters and of the rows that gradient steps draw.
    device
        Where the networks live: "cpu", "cuda", ...
    options
        Fields of `DQNConfig`; another name is refused.
    """

    name = "dqn"
    training_steps = 200_000
    """User steps that it is trained for by default."""

    def __init__(self, catalogue: Catalogue, *, seed: int = 0, device: str = "cpu", **options: Any) -> None:
        self.config = options_record(DQNConfig, options, self.name)
        self.options = options
        self.catalogue = catalogue
        self.device = torch_device(device)
        self.rng = np.random.default_rng([seed, 0xD0])
        self.schedule = LinearSchedule(self.config.epsilon_start, self.config.epsilon, self.config.epsilon_steps)
        self.online, self.target = (self._network() for _ in range(2))
        self.target.load_state_dict(self.online.state_dict())
        self.optimiser = torch.optim.AdamW(
            self.online.parameters(), lr=self.config.learning_rate, weight_decay=self.config.weight_decay
        )
        self.rewards, self.observations = Moments(1), Moments(catalogue.observation_size)
        self.replay: Replay | None = None
        self.horizon = 0
        self._shown = np.zeros((0, 0), np.int32)
        self.steps, self.calls, self.debt = 0, 0, 0.0
        self._kept: tuple[torch.Tensor, torch.Tensor] | None = None

    def _network(self) -> TowerNetwork:
        config, catalogue = self.config, self.catalogue
        return TowerNetwork(
            catalogue.features, catalogue.observation_size, width=config.width, dims=config.dims, rng=self.rng
        ).to(self.device)

    @property
    def trained_on(self) -> tuple[int, ...]:
        """Fingerprint of the user-item pairs that the catalogue was made from."""
        return self.catalogue.fingerprint

    @property
    def exploration(self) -> Exploration:
        """Exploration at this point of training."""
        return EpsilonGreedy(self.schedule.value(self.steps))

    def scores(self, request: Request) -> NDArray[np.float64]:
        """Return (B, C) action values, in units of the discounted reward."""
        candidates = known_candidates(request.candidates, self.catalogue.n_items)
        if self.steps < self.config.learning_starts:
            return np.log1p(self.catalogue.popularity)[candidates]
        flat = flat_observation(request.observation, self.catalogue.observation_size)
        with torch.no_grad():
            if self._kept is None:
                self._kept = self.online.items()
            score = self.online.scores(torch.tensor(flat, device=self.device), self._kept).cpu().numpy()
        chosen = np.take_along_axis(score, np.maximum(candidates, 0), axis=1).astype(np.float64)
        return self._offset() + self.rewards.spread()[0] * chosen

    def _offset(self) -> float:
        """Return the value of the mean reward for ever: networks learn what departs from it, in reward deviations."""
        return float(self.rewards.mean[0]) / (1.0 - self.config.gamma)

    def learn(
        self,
        env: Any,
        steps: int,
        *,
        rng: np.random.Generator,
        progress: Callable[[int, int], None] | None = None,
    ) -> dict[str, float]:
        """Train for about `steps` user steps on sessions of `env`'s configuration, and go on from earlier training.

        Parameters
        ----------
        env
            A vector environment; its `config` and `num_envs` are used, it is not stepped itself.
        rng
            Draws the sessions' seed and the exploration.

        Returns
        -------
        dict
            Means over the sessions that ended: session_reward, step_reward, session_length and their number, sessions;
            nothing where none ended.
        """
        from recenv.agents.sb3_dqn import SessionLog

        model = self._model(env, rng)
        log = SessionLog(progress, steps)
        model.learn(steps, callback=log, log_interval=None, reset_num_timesteps=False)
        self.steps, self.calls, self.debt = model.num_timesteps, model._n_calls, model.debt
        return log.means()

    def _model(self, env: Any, rng: np.random.Generator) -> Any:
        """Return Stable-Baselines3's algorithm around this agent's networks, optimiser and replay."""
        from recenv.agents.sb3_dqn import MaskedDQN, SessionReplay, TowerPolicy
        from recenv.sb3 import RecSysVecEnv

        if env.config.slate_size != 1:
            raise ValueError(f"dqn shows one item a step; slate_size is {env.config.slate_size}: use epsilon_greedy")
        sessions = RecSysVecEnv(env.num_envs, dataclasses.replace(env.config, observation="features"))
        sessions.seed(int(rng.integers(2**31)))
        if self.replay is None:
            self.replay, self.horizon = self._empty_replay(env.config.horizon), env.config.horizon
        if self.horizon != env.config.horizon:
            raise ValueError(
                f"dqn has learned from sessions of {self.horizon} steps, env has horizon {env.config.horizon}: use the "
                "same horizon, or train a new agent"
            )
        model = MaskedDQN(
            TowerPolicy,
            sessions,
            learning_rate=self.config.learning_rate,
            buffer_size=self.config.replay_size,
            learning_starts=self.config.learning_starts,
            batch_size=self.config.batch_size,
            gamma=self.config.gamma,
            train_freq=1,
            target_update_interval=max(self.config.target_every, env.num_envs),
            replay_buffer_class=SessionReplay,
            replay_buffer_kwargs={"rows": self.replay, "seen": self._seen},
            policy_kwargs={"online": self.online, "target": self.target, "optimiser": self.optimiser},
            device=self.device,
        )
        model.num_timesteps, model._n_calls, model.debt = self.steps, self.calls, self.debt
        model.replay_ratio = self.config.replay_ratio
        return self._wired(model, sessions, rng, repeat=env.config.repeat)

    def _wired(self, model: Any, sessions: Any, rng: np.random.Generator, *, repeat: bool) -> Any:
        """Give the algorithm what it asks this agent for: actions, and gradient steps."""

        def choose(observation: NDArray[np.float32]) -> NDArray[np.int64]:
            self.steps, self._shown = model.num_timesteps, sessions.shown
            hidden = None if repeat else self._shown
            request = Request(observation, candidates_left(len(observation), self.catalogue.n_items, hidden))
            return self.act(request, rng=rng, explore=True).items[:, 0]

        model.choose = choose
        model.learn_from = lambda batch_size: self._gradient_step(batch_size, masked=not repeat)
        return model

    def _seen(self, flat: NDArray[np.float32], reward: NDArray[np.floating]) -> NDArray[np.int32]:
        """Return what the sessions had shown before this step.

        The first rows set the scales, which then stay: a moving scale would move all values.
        """
        if self.rewards.count < self.config.learning_starts:
            self.rewards.add(np.asarray(reward)[:, None])
            self.observations.add(flat)
            for network in (self.online, self.target):
                network.set_observation_scale(self.observations.mean, self.observations.spread())
        return self._shown

    def _empty_replay(self, horizon: int) -> Replay:
        size = self.catalogue.observation_size
        return Replay(
            self.config.replay_size,
            {
                "observation": Column((size,), np.float32),
                "next_observation": Column((size,), np.float32),
                "next_shown": Column((horizon,), np.int32),
                "item": Column((), np.int32),
                "reward": Column((), np.float32),
                "terminated": Column((), np.bool_),
            },
        )

    def _gradient_step(self, batch_size: int, *, masked: bool) -> float:
        """Lower the Huber error of Q at the shown items; the target never looks at an item that was shown before."""
        rows = self.replay.sample(batch_size, self.rng)  # type: ignore[union-attr]
        take = {name: torch.as_tensor(column, device=self.device) for name, column in rows.items()}
        target = self._target(take, masked)
        value = self.online.pair_scores(take["observation"], take["item"].long()[:, None])[:, 0]
        loss = torch.nn.functional.smooth_l1_loss(value, target)
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()
        self.optimiser.step()
        self._kept = None
        return float(loss.detach())

    def _target(self, take: dict[str, torch.Tensor], masked: bool) -> torch.Tensor:
        """Return (n,) standardised targets: values less the offset, in reward deviations."""
        gamma, spread = self.config.gamma, float(self.rewards.spread()[0])
        reward = (take["reward"] - float(self.rewards.mean[0])) / spread
        if gamma == 0.0:
            return reward
        shown = take["next_shown"].long() if masked else None
        ahead = double_q_value(self.online, self.target, take["next_observation"], shown)
        # Where the user left the value is 0, which is -offset / spread in standardised units.
        return reward + gamma * torch.where(take["terminated"], -self._offset() / spread, ahead)

    def save(self, path: str | Path) -> None:
        """Write the agent as a folder: networks, optimiser, replay, counters and generator."""
        state = {
            "observation_size": self.catalogue.observation_size,
            "steps": self.steps,
            "calls": self.calls,
            "debt": self.debt,
            "rng": generator_state(self.rng),
        }
        arrays: dict[str, NDArray[Any]] = {
            **catalogue_arrays(self.catalogue),
            **module_arrays(self.online, "online."),
            **module_arrays(self.target, "target."),
            **optimiser_arrays(self.optimiser, "optimiser."),
            **self.rewards.arrays("rewards."),
            **self.observations.arrays("observations."),
            **(self.replay.arrays("replay.") if self.replay else {}),
        }
        write_agent(path, self.name, options=self.options, trained_on=self.trained_on, state=state, arrays=arrays)

    @classmethod
    def load(cls, path: str | Path, *, device: str = "cpu") -> DQNAgent:
        """Read a saved agent; it goes on bit for bit where it was saved (on the same kind of device)."""
        saved = read_agent(path, (cls.name,))
        agent = cls(saved_catalogue(saved), device=device, **saved.options)
        agent._restore(saved.state, saved.arrays)
        return agent

    def _restore(self, state: dict[str, Any], arrays: dict[str, NDArray[Any]]) -> None:
        restore_module(self.online, arrays, "online.")
        restore_module(self.target, arrays, "target.")
        restore_optimiser(self.optimiser, arrays, "optimiser.")
        self.rewards.restore(arrays, "rewards.")
        self.observations.restore(arrays, "observations.")
        if "replay.next_shown" in arrays:
            self.horizon = arrays["replay.next_shown"].shape[1]
            self.replay = self._empty_replay(self.horizon)
            self.replay.restore(arrays, "replay.")
        self.steps, self.calls, self.debt = state["steps"], state["calls"], state["debt"]
        self.rng = restored_generator(state["rng"])
