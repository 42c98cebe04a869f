"""Stable-Baselines3's DQN with towers for a Q-head, masks, and a generator of its own.

Stable-Baselines3 gives the loop, callbacks, time-limit handling and the target network's rhythm. Its choice of actions,
replay and target are replaced: they draw from global generators and know no masks.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from gymnasium import spaces
from numpy.typing import NDArray
from stable_baselines3 import DQN
from stable_baselines3.common.buffers import ReplayBuffer
from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.dqn.policies import DQNPolicy

from recenv.agents.replay import Replay
from recenv.agents.towers import TowerNetwork


class TowerPolicy(DQNPolicy):
    """Policy around two networks that exist already."""

    def __init__(
        self,
        observation_space: spaces.Space,
        action_space: spaces.Discrete,
        lr_schedule: Callable[[float], float],
        *,
        online: TowerNetwork,
        target: TowerNetwork,
        optimiser: torch.optim.Optimizer,
        **sb3_arguments: Any,
    ) -> None:
        self._given = (online, target, optimiser)
        super().__init__(observation_space, action_space, lr_schedule, **sb3_arguments)

    def _build(self, lr_schedule: Callable[[float], float]) -> None:
        online, target, self.optimizer = self._given
        self.q_net, self.q_net_target = online, target
        del self._given

    def set_training_mode(self, mode: bool) -> None:
        """Set the networks' mode; they behave alike in both."""
        self.q_net.train(mode)
        self.training = mode


class SessionReplay(ReplayBuffer):
    """Stable-Baselines3's face of a `Replay`, whose rows do not depend on the number of environments."""

    def __init__(
        self,
        buffer_size: int,
        observation_space: spaces.Space,
        action_space: spaces.Space,
        device: torch.device | str = "cpu",
        n_envs: int = 1,
        optimize_memory_usage: bool = False,
        *,
        rows: Replay,
        seen: Callable[[NDArray[np.float32], NDArray[np.floating]], NDArray[np.int32]],
    ) -> None:
        # The base class would set up arrays for the whole buffer; only its names are wanted.
        self.observation_space, self.action_space = observation_space, action_space
        self.buffer_size, self.n_envs, self.device = buffer_size, n_envs, torch.device(device)
        self.rows, self.seen = rows, seen

    def add(
        self,
        obs: NDArray[np.float32],
        next_obs: NDArray[np.float32],
        action: NDArray[Any],
        reward: NDArray[Any],
        done: NDArray[Any],
        infos: list[dict[str, Any]],
    ) -> None:
        """Append a row for each user; a session cut at the horizon is no end."""
        shown, items = self.seen(obs, reward).copy(), np.asarray(action).reshape(-1)
        shown[np.arange(len(items)), (shown >= 0).sum(axis=1)] = items
        cut = np.array([info.get("TimeLimit.truncated", False) for info in infos])
        self.rows.add(
            {
                "observation": obs,
                "next_observation": next_obs,
                "next_shown": shown,
                "item": items,
                "reward": np.asarray(reward),
                "terminated": np.asarray(done, bool) & ~cut,
            }
        )


class MaskedDQN(DQN):
    """DQN that never chooses, and never bootstraps from, an item that was shown in this session."""

    choose: Callable[[Any], NDArray[np.int64]]
    learn_from: Callable[[int], float]
    debt: float
    replay_ratio: float

    def _sample_action(self, learning_starts: int, action_noise: Any = None, n_envs: int = 1) -> tuple[Any, Any]:
        items = self.choose(self._last_obs)
        return items, items

    def train(self, gradient_steps: int, batch_size: int = 100) -> None:
        """Take as many gradient steps as `replay_ratio` asks for, whatever the number of environments."""
        self.debt += self.n_envs * self.replay_ratio / batch_size
        whole = int(self.debt)
        self.debt -= whole
        if whole:
            losses = [self.learn_from(batch_size) for _ in range(whole)]
            self._n_updates += whole
            self.logger.record("train/loss", float(np.mean(losses)))


class SessionLog(BaseCallback):
    """Keeps (total reward, length) of each finished session, and tells how many steps are done."""

    def __init__(self, progress: Callable[[int, int], None] | None, steps: int) -> None:
        super().__init__()
        self.progress, self.steps = progress, steps
        self.sessions: list[tuple[float, int]] = []
        self.begun_at = 0

    def _on_training_start(self) -> None:
        self.begun_at = self.model.num_timesteps

    def _on_step(self) -> bool:
        for slot in np.flatnonzero(self.locals["dones"]):
            episode = self.locals["infos"][slot]["episode"]
            self.sessions.append((episode["r"], episode["l"]))
        if self.progress is not None:
            self.progress(min(self.num_timesteps - self.begun_at, self.steps), self.steps)
        return True

    def means(self) -> dict[str, float]:
        """Return the means over the finished sessions; nothing where none finished."""
        if not self.sessions:
            return {}
        total, length = np.array(self.sessions, np.float64).mean(axis=0)
        return {
            "session_reward": float(total),
            "step_reward": float(total / length),
            "session_length": float(length),
            "sessions": len(self.sessions),
        }
