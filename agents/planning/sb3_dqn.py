"""A policy for Stable-Baselines3's own DQN: its Q-head is state tower times item tower.

    from stable_baselines3 import DQN
    DQN(TowerQPolicy, RecSysVecEnv(64, config), policy_kwargs={"catalogue": env.catalogue}).learn(100_000)

For those who want that library's loop, callbacks and files; as an agent it is `SB3Agent(catalogue, model=...)`. Its
exploration and its target know no masks: `dqn` is the agent that does.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from gymnasium import spaces
from stable_baselines3.dqn.policies import DQNPolicy

from recenv.agents.towers import TowerNetwork
from recenv.protocol import Catalogue


class TowerQNetwork(TowerNetwork):
    """Action values of the whole catalogue, as Stable-Baselines3 asks for them."""

    def forward(self, observation: torch.Tensor) -> torch.Tensor:
        """Return (B, N) action values."""
        return self.scores(observation)

    def _predict(self, observation: torch.Tensor, deterministic: bool = True) -> torch.Tensor:
        return self.scores(observation).argmax(dim=1)

    def set_training_mode(self, mode: bool) -> None:
        """Set the network's mode; it behaves alike in both."""
        self.train(mode)


class TowerQPolicy(DQNPolicy):
    """Stable-Baselines3's Q-policy with towers.

    Parameters
    ----------
    observation_space, action_space, lr_schedule, sb3_arguments
        As that library gives them.
    catalogue
        Of the environment, whose observation is "features" and whose actions are item ids.
    width, dims
        Hidden units of each tower, and size of their product.
    seed
        Of the initial parameters.
    """

    def __init__(
        self,
        observation_space: spaces.Space,
        action_space: spaces.Discrete,
        lr_schedule: Callable[[float], float],
        *,
        catalogue: Catalogue,
        width: int = 64,
        dims: int = 32,
        seed: int = 0,
        **sb3_arguments: Any,
    ) -> None:
        self._towers = (catalogue, width, dims, seed)
        super().__init__(observation_space, action_space, lr_schedule, **sb3_arguments)

    def make_q_net(self) -> TowerQNetwork:
        """Return a fresh network; online and target network start alike."""
        catalogue, width, dims, seed = self._towers
        network = TowerQNetwork(
            catalogue.features, catalogue.observation_size, width=width, dims=dims, rng=np.random.default_rng(seed)
        )
        return network.to(self.device)
