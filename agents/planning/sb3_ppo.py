"""What Stable-Baselines3's PPO is given: a policy of two towers, and sessions that say which items may be shown.

pi(a | s) = exp(l(s, a)) / sum_b exp(l(s, b))        b among the candidates;  l(s, a) = f(s) . g(a) + b(a)
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from gymnasium import spaces
from numpy.typing import NDArray
from stable_baselines3.common.policies import ActorCriticPolicy
from stable_baselines3.common.vec_env import VecEnv, VecEnvWrapper
from torch import nn

from recenv.agents.allowed_items import pack_allowed, packed_size
from recenv.agents.observations import flat_observation
from recenv.agents.towers import Tower, TowerNetwork, fill_parameters
from recenv.protocol import Catalogue

Observed = dict[str, torch.Tensor]
"""features (B, O), and allowed (B, ceil(N / 8)): a bit for each item, as `pack_allowed` has it."""


class ActorCritic(nn.Module):
    """An actor of two towers, and a critic beside it; both read observations on the actor's scale.

    Parameters
    ----------
    actor
        Scores are the policy's logits.
    observation_size, width
        Inputs and hidden units of the critic.
    rng
        Draws the critic's parameters.
    """

    level: torch.Tensor

    def __init__(self, actor: TowerNetwork, observation_size: int, *, width: int, rng: np.random.Generator) -> None:
        super().__init__()
        self.actor, self.critic = actor, Tower(observation_size, width, 0)
        self.register_buffer("level", torch.zeros(()))
        fill_parameters(self.critic, rng)

    def values(self, observation: torch.Tensor) -> torch.Tensor:
        """Return (B,) values in deviations of the reward; they depart from `level`."""
        scaled = (observation - self.actor.shift) / self.actor.spread
        return self.level + self.critic(scaled)[1]


class MaskedTowerPolicy(ActorCriticPolicy):
    """Policy around networks and an optimiser that exist already."""

    def __init__(
        self,
        observation_space: spaces.Space,
        action_space: spaces.Discrete,
        lr_schedule: Callable[[float], float],
        *,
        network: ActorCritic,
        optimiser: torch.optim.Optimizer,
        **sb3_arguments: Any,
    ) -> None:
        self._given = (network, optimiser)
        super().__init__(observation_space, action_space, lr_schedule, **sb3_arguments)

    def _build(self, lr_schedule: Callable[[float], float]) -> None:
        self.network, self.optimizer = self._given
        del self._given

    def forward(self, obs: Observed, deterministic: bool = False) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:  # type: ignore[override]
        """Return items (B,), values (B,) and the items' log-probabilities (B,)."""
        law = self.law(obs)
        items = law.logits.argmax(dim=1) if deterministic else law.sample()
        return items, self.predict_values(obs), law.log_prob(items)

    def evaluate_actions(  # type: ignore[override]
        self, obs: Observed, actions: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Return values, log-probabilities of the actions, and entropies, (B,) each."""
        law = self.law(obs)
        # An item that may not be shown has log-probability -inf and adds nothing; its gradient would be NaN.
        log_chance = torch.where(torch.isfinite(law.logits), law.logits, 0.0)
        entropy = -(law.probs * log_chance).sum(dim=1)
        return self.predict_values(obs), law.log_prob(actions), entropy

    def predict_values(self, obs: Observed) -> torch.Tensor:  # type: ignore[override]
        """Return (B,) values."""
        return self.network.values(obs["features"])

    def _predict(self, observation: Observed, deterministic: bool = False) -> torch.Tensor:  # type: ignore[override]
        return self.forward(observation, deterministic)[0]

    def law(self, obs: Observed) -> torch.distributions.Categorical:
        """Return the distribution over the catalogue, 0 where an item may not be shown."""
        logits = self.network.actor.scores(obs["features"])
        mask = unpacked(obs["allowed"], logits.shape[1])
        return torch.distributions.Categorical(logits=logits.masked_fill(~mask, -torch.inf), validate_args=False)


def unpacked(allowed: torch.Tensor, n_items: int) -> torch.Tensor:
    """Return (B, N) bool of bits (B, ceil(N / 8)), as `unpack_allowed` does, on the bits' own device."""
    places = torch.arange(7, -1, -1, dtype=torch.uint8, device=allowed.device)
    bits = (allowed.to(torch.uint8)[:, :, None] >> places) & 1
    return bits.flatten(1)[:, :n_items].bool()


class MaskedSessions(VecEnvWrapper):
    """Sessions whose observations say which items may be shown, and whose actions are item ids.

    Parameters
    ----------
    sessions
        A `RecSysVecEnv` with observation "features".
    catalogue
        Of the sessions.
    """

    def __init__(self, sessions: VecEnv, catalogue: Catalogue) -> None:
        self.catalogue, self.reward_unit = catalogue, 1.0
        self.native = sessions.native  # type: ignore[attr-defined]
        space: dict[str, spaces.Space] = {
            "features": spaces.Box(-np.inf, np.inf, (catalogue.observation_size,), np.float32),
            "allowed": spaces.Box(0, 255, (packed_size(catalogue.n_items),), np.uint8),
        }
        super().__init__(sessions, spaces.Dict(space), spaces.Discrete(catalogue.n_items))

    def reset(self) -> dict[str, NDArray[Any]]:
        """Start a session in every slot."""
        return self._observed(self.venv.reset())

    def step_async(self, actions: NDArray[np.integer]) -> None:
        """Keep the items (B,) for `step_wait`."""
        self.venv.step_async(self.native.actions_of(np.asarray(actions)[:, None]))

    def step_wait(self) -> tuple[dict[str, NDArray[Any]], NDArray[np.float32], NDArray[np.bool_], list[dict[str, Any]]]:
        """Step every user; rewards are in units of `reward_unit`."""
        observation, reward, done, infos = self.venv.step_wait()
        for slot in np.flatnonzero(done):
            last = infos[slot]["terminal_observation"][: self.catalogue.observation_size]
            # Only the value of the last state is asked for, which no mask changes.
            infos[slot]["terminal_observation"] = {
                "features": last, "allowed": np.zeros(packed_size(self.catalogue.n_items), np.uint8)
            }  # fmt: skip
        scaled = (reward / self.reward_unit).astype(np.float32)
        return self._observed(observation), scaled, done.astype(np.bool_), infos

    def _observed(self, observation: Any) -> dict[str, NDArray[Any]]:
        request = self.native.request(observation)
        return {
            "features": flat_observation(request.observation, self.catalogue.observation_size),
            "allowed": pack_allowed(request.candidates, self.catalogue.n_items),
        }
