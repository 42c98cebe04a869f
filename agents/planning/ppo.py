"""PPO: plans ahead with a policy over the candidates (Schulman et al. 2017, `schulman2017proximal`).

Stable-Baselines3's algorithm around networks of its own: the actor is a softmax over the items that may be shown, state
tower times item tower, so that its probabilities are exact and a large catalogue costs one matrix product.
"""

from __future__ import annotations

import dataclasses
import math
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from recenv.agents.allowed_items import unpack_allowed
from recenv.agents.candidates import known_candidates
from recenv.agents.devices import torch_device
from recenv.agents.explained_scores import ScoreExplanation, explained_towers
from recenv.agents.exploration import Softmax
from recenv.agents.moments import Moments
from recenv.agents.observations import flat_observation
from recenv.agents.options import options_record
from recenv.agents.saving import catalogue_arrays, read_agent, saved_catalogue, write_agent
from recenv.agents.scoring import ScoreAgent, draw_columns
from recenv.agents.slates.slate_learner import silence
from recenv.agents.torch_arrays import module_arrays, optimiser_arrays, restore_module, restore_optimiser
from recenv.agents.towers import TowerNetwork
from recenv.protocol import Catalogue, Decision, Request

SCALE_ROWS = 1_000
"""Random user steps before the first ones, not counted, that set the scale of observations and rewards."""


@dataclass(frozen=True)
class PPOConfig:
    """How PPO is built and trained."""

    gamma: float = 0.5
    """Discount of the next step's value, in [0, 1)."""
    gae_lambda: float = 0.9
    """Weight of longer returns in the advantage, in [0, 1]."""
    clip_range: float = 0.2
    """How far a probability may move in one round of learning, as a ratio."""
    entropy: float = 0.01
    """Weight of the policy's entropy, in deviations of the advantage a nat."""
    critic: float = 0.5
    """Weight of the critic's squared error."""
    max_gradient: float = 0.5
    """Norm at which gradients are cut."""
    rollout: int = 2_048
    """User steps between two rounds of learning."""
    epochs: int = 10
    """Passes over these in a round of learning."""
    batch_size: int = 256
    """Rows of a gradient step."""
    learning_rate: float = 3e-3
    """Of Adam."""
    width: int = 64
    """Hidden units of each tower."""
    dims: int = 32
    """D, size of the product of the towers."""

    def __post_init__(self) -> None:
        """Refuse values that cannot work, by name."""
        if not 0.0 <= self.gamma < 1.0:
            raise ValueError(f"gamma must be in [0, 1), got {self.gamma!r}")
        if not 0.0 <= self.gae_lambda <= 1.0:
            raise ValueError(f"gae_lambda must be in [0, 1], got {self.gae_lambda!r}")
        for item in dataclasses.fields(self):
            value, zero = getattr(self, item.name), item.name in ("gamma", "gae_lambda", "entropy")
            if not (math.isfinite(value) and (value > 0 or (value == 0 and zero))):
                raise ValueError(f"{item.name} must be {'0 or more' if zero else 'above 0'}, got {value!r}")


class PPOAgent(ScoreAgent):
    """Draws items by a learned policy; `learn` owns the training loop, `update` does nothing.

    It learns from its own latest decisions only, in the order of their sessions: that is why it needs the environment.

    Parameters
    ----------
    catalogue
        Of the environment.
    seed
        Of the initial parameters.
    device
        Where the networks live: "cpu", "cuda", ...
    options
        Fields of `PPOConfig`; another name is refused.
    """

    name = "ppo"
    training_steps = 200_000
    """User steps that it is trained for by default."""
    exploration = Softmax(1.0)

    def __init__(self, catalogue: Catalogue, *, seed: int = 0, device: str = "cpu", **options: Any) -> None:
        from recenv.agents.planning.sb3_ppo import ActorCritic

        self.catalogue, self.options = catalogue, options
        self.config = config = options_record(PPOConfig, options, self.name)
        self.device = torch_device(device)
        rng, size = np.random.default_rng([seed, 0x990]), catalogue.observation_size
        features = np.column_stack([catalogue.features, np.log1p(catalogue.popularity)]).astype(np.float32)
        actor = TowerNetwork(features, size, width=config.width, dims=config.dims, rng=rng)
        silence(actor)
        self.network = ActorCritic(actor, size, width=config.width, rng=rng).to(self.device)
        self.optimiser = torch.optim.Adam(self.network.parameters(), lr=config.learning_rate, eps=1e-5)
        self.rewards, self.observations = Moments(2), Moments(size)
        self.steps = 0

    @property
    def trained_on(self) -> tuple[int, ...]:
        """Fingerprint of the user-item pairs that the catalogue was made from."""
        return self.catalogue.fingerprint

    def scores(self, request: Request) -> NDArray[np.float64]:
        """Return (B, C) logits of the policy; before any training, the item's log popularity."""
        candidates = known_candidates(request.candidates, self.catalogue.n_items)
        if self.steps == 0:
            return np.log1p(self.catalogue.popularity)[candidates]
        flat = flat_observation(request.observation, self.catalogue.observation_size)
        ids, places = np.unique(np.maximum(candidates, 0), return_inverse=True)
        actor = self.network.actor
        with torch.no_grad():
            items = actor.items(torch.tensor(ids, device=self.device))
            table = actor.scores(torch.tensor(flat, device=self.device), items).cpu().numpy()
        return np.take_along_axis(table, places.reshape(candidates.shape), axis=1).astype(np.float64)

    def explain(self, request: Request, decision: Decision) -> ScoreExplanation:
        """Return which parts of the state and of the items moved the logits of a decision.

        Raises
        ------
        ValueError
            If it has not learned yet.
        """
        if self.steps == 0:
            raise ValueError("ppo has not learned yet, so nothing explains its scores; train it")
        flat = flat_observation(request.observation, self.catalogue.observation_size)
        actor = self.network.actor
        return explained_towers(actor.score_of, actor, torch.tensor(flat, device=self.device), decision.items)

    def learn(
        self,
        env: Any,
        steps: int,
        *,
        rng: np.random.Generator,
        progress: Callable[[int, int], None] | None = None,
    ) -> dict[str, float]:
        """Train for about `steps` user steps (whole rounds of learning), and go on from earlier training.

        Parameters
        ----------
        env
            A vector environment; its `config` and `num_envs` are used, it is not stepped itself.
        rng
            Draws the sessions' seed and the decisions.

        Returns
        -------
        dict
            Means over the sessions that ended: session_reward, step_reward, session_length and their number, sessions;
            nothing where none ended.
        """
        from recenv.agents.adapters.sb3 import kept_generators
        from recenv.agents.adapters.sb3_sessions import SessionRecord

        sessions = self._sessions(env, int(rng.integers(2**31)))
        if self.steps == 0:
            self._set_scale(sessions, rng)
        sessions.reward_unit = float(self.rewards.spread()[0])
        record = SessionRecord(progress, steps)
        with kept_generators(int(rng.integers(2**31))):
            model = self._model(sessions, steps)
            model.learn(steps, callback=record, log_interval=None, reset_num_timesteps=False)
        self.steps = model.num_timesteps
        return record.means()

    def _sessions(self, env: Any, seed: int) -> Any:
        from recenv.agents.planning.sb3_ppo import MaskedSessions
        from recenv.sb3 import RecSysVecEnv

        if env.config.slate_size != 1:
            raise ValueError(f"ppo shows one item a step; slate_size is {env.config.slate_size}: use reinforce")
        sessions = RecSysVecEnv(env.num_envs, dataclasses.replace(env.config, observation="features"))
        sessions.seed(seed)
        return MaskedSessions(sessions, self.catalogue)

    def _model(self, sessions: Any, steps: int) -> Any:
        """Return Stable-Baselines3's algorithm around this agent's networks and optimiser."""
        from stable_baselines3 import PPO

        from recenv.agents.planning.sb3_ppo import MaskedTowerPolicy

        config = self.config
        rounds = max(min(config.rollout, steps) // sessions.num_envs, 1)
        with warnings.catch_warnings():
            # A smaller last batch is as it should be where a rollout is no multiple of the batch size.
            warnings.filterwarnings("ignore", message="You have specified a mini-batch size")
            model = PPO(
                MaskedTowerPolicy,
                sessions,
                learning_rate=config.learning_rate,
                n_steps=max(rounds, 2 if sessions.num_envs == 1 else 1),
                batch_size=max(config.batch_size, 2),
                n_epochs=config.epochs,
                gamma=config.gamma,
                gae_lambda=config.gae_lambda,
                clip_range=config.clip_range,
                ent_coef=config.entropy,
                vf_coef=config.critic,
                max_grad_norm=config.max_gradient,
                policy_kwargs={"network": self.network, "optimiser": self.optimiser},
                device=self.device,
            )
        model.num_timesteps = self.steps
        return model

    def _set_scale(self, sessions: Any, rng: np.random.Generator) -> None:
        """Show random items, and set the scale of observations and rewards, and the level of values, by what is seen.

        The scales then stay: moving scales would move all scores.
        """
        observation = sessions.reset()
        while self.observations.count < SCALE_ROWS:
            allowed = unpack_allowed(observation["allowed"], self.catalogue.n_items)
            self.observations.add(observation["features"])
            items = draw_columns(allowed.astype(np.float64), rng.random(len(allowed)))
            observation, reward, done, infos = sessions.step(items)
            cut = np.array([info.get("TimeLimit.truncated", False) for info in infos])
            self.rewards.add(np.column_stack([reward, done & ~cut]))
        self._apply_scale()

    def _apply_scale(self) -> None:
        self.network.actor.set_observation_scale(self.observations.mean, self.observations.spread())
        reward, left = self.rewards.mean
        lasting = 1.0 - self.config.gamma * (1.0 - left)
        self.network.level.fill_(float(reward / lasting / self.rewards.spread()[0]))

    def save(self, path: str | Path) -> None:
        """Write the agent as a folder: networks, optimiser, scales and counter."""
        state = {"observation_size": self.catalogue.observation_size, "steps": self.steps}
        arrays: dict[str, NDArray[Any]] = {
            **catalogue_arrays(self.catalogue),
            **module_arrays(self.network, "network."),
            **optimiser_arrays(self.optimiser, "optimiser."),
            **self.rewards.arrays("rewards."),
            **self.observations.arrays("observations."),
        }
        write_agent(path, self.name, options=self.options, trained_on=self.trained_on, state=state, arrays=arrays)

    @classmethod
    def load(cls, path: str | Path, *, device: str = "cpu") -> PPOAgent:
        """Read a saved agent; it goes on bit for bit where it was saved (on the same kind of device)."""
        saved = read_agent(path, (cls.name,))
        agent = cls(saved_catalogue(saved), device=device, **saved.options)
        restore_module(agent.network, saved.arrays, "network.")
        restore_optimiser(agent.optimiser, saved.arrays, "optimiser.")
        agent.rewards.restore(saved.arrays, "rewards.")
        agent.observations.restore(saved.arrays, "observations.")
        agent.steps = saved.state["steps"]
        return agent
