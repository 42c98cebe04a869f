"""Any algorithm of Stable-Baselines3 or sb3-contrib as an agent: its policy decides, its own loop trains it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from recenv.agents.adapters.proportional import Proportional
from recenv.agents.adapters.sb3_model import described, made, model_arrays, restore_model, weights_of_zip
from recenv.agents.candidates import known_candidates
from recenv.agents.exploration import EpsilonGreedy, Exploration
from recenv.agents.observations import flat_observation
from recenv.agents.saving import catalogue_arrays, read_agent, saved_catalogue, write_agent
from recenv.agents.scoring import ScoreAgent
from recenv.protocol import Catalogue, Request

SLOTS = 16
"""Users at once where the algorithm is made here."""


class SB3Agent(ScoreAgent):
    """A Stable-Baselines3 algorithm whose actions are the items of the catalogue.

    An actor's probabilities are renormalised on the candidates, as a masked actor's are; a Q-network is greedy but for
    the algorithm's own share of exploration, with one coin a user. It learns in `learn(env, steps)`, not in `update`.

    Parameters
    ----------
    catalogue
        Of the environment.
    seed
        Of a model that is made here.
    device
        Where the networks of a model that is made here live.
    model
        An algorithm on `recenv.sb3.RecSysVecEnv`, trained or not, or a name such as "stable_baselines3:PPO" or
        "sb3_contrib:MaskablePPO", made with its defaults.
    parameters
        A .zip that the same algorithm's `save` wrote; only its tensors are read, nothing is unpickled.
    """

    name = "sb3"
    training_steps = 200_000

    def __init__(
        self,
        catalogue: Catalogue,
        *,
        seed: int = 0,
        device: str = "cpu",
        model: Any = "stable_baselines3:PPO",
        parameters: str | Path | None = None,
    ) -> None:
        self.catalogue, self.trained_on = catalogue, catalogue.fingerprint
        if isinstance(model, str):
            settings = {"algorithm": model, "policy": "MlpPolicy", "slots": SLOTS, "options": {"seed": seed}}
            with kept_generators(seed):
                model = made(settings, catalogue.observation_size, catalogue.n_items, device)
        if getattr(model.action_space, "n", None) != catalogue.n_items:
            raise ValueError(
                f"model has the actions {model.action_space}, the catalogue {catalogue.n_items} items: train it on "
                "RecSysVecEnv with slate_size=1, where an action is an item"
            )
        if parameters is not None:
            model.policy.load_state_dict(weights_of_zip(parameters))
        self.model = model
        self.options = {"algorithm": type(model).__name__, "seed": model.seed}

    @property
    def exploration(self) -> Exploration:
        """An actor explores by its own probabilities, a Q-network by the algorithm's exploration rate."""
        return EpsilonGreedy(float(self.model.exploration_rate)) if self._is_value() else Proportional()

    def _is_value(self) -> bool:
        return any(hasattr(self.model.policy, name) for name in ("q_net", "quantile_net"))

    def scores(self, request: Request) -> NDArray[np.floating]:
        """Return (B, C) action values, or probabilities of an actor."""
        candidates = known_candidates(request.candidates, self.catalogue.n_items)
        flat = flat_observation(request.observation, self.catalogue.observation_size)
        policy = self.model.policy
        policy.set_training_mode(False)
        with torch.no_grad():
            every = self._of_catalogue(torch.tensor(flat, device=policy.device)).cpu().numpy()
        return np.take_along_axis(every, np.maximum(candidates, 0), axis=1)

    def _of_catalogue(self, observation: torch.Tensor) -> torch.Tensor:
        """Return (B, N) for all items."""
        policy = self.model.policy
        if hasattr(policy, "q_net"):
            return torch.as_tensor(policy.q_net(observation))
        if hasattr(policy, "quantile_net"):
            return torch.as_tensor(policy.quantile_net(observation).mean(dim=1))
        return torch.as_tensor(policy.get_distribution(observation).distribution.probs)

    def learn(
        self,
        env: Any,
        steps: int,
        *,
        rng: np.random.Generator,
        progress: Callable[[int, int], None] | None = None,
    ) -> dict[str, float]:
        """Train for about `steps` user steps in the algorithm's own loop, on as many users at once as it was made for.

        Returns
        -------
        dict
            Means over the sessions that ended (session_reward, step_reward, session_length) and their number, sessions.
        """
        from recenv.agents.adapters.sb3_sessions import SessionRecord
        from recenv.sb3 import RecSysVecEnv

        sessions = RecSysVecEnv(self.model.n_envs, env.config)
        sessions.seed(int(rng.integers(2**31)))
        record = SessionRecord(progress, steps)
        with kept_generators(int(rng.integers(2**31))):
            self.model.action_space.seed(int(rng.integers(2**31)))
            self._play_in(sessions)
            self.model.learn(steps, callback=record, log_interval=None, reset_num_timesteps=False)
        return record.means()

    def _play_in(self, sessions: Any) -> None:
        """Give the algorithm its environment; the bounds of an observation, which no network reads, may be others."""
        mine, theirs = self.model.observation_space, sessions.observation_space
        if mine.shape != theirs.shape:
            raise ValueError(
                f"env has observations of shape {theirs.shape}, the model was made for {mine.shape}: use "
                'observation="features" in the world that the model was made for'
            )
        self.model.observation_space = theirs
        self.model.set_env(sessions)

    def save(self, path: str | Path) -> None:
        """Write the agent as a folder: what the algorithm was made with, networks, optimisers and replay."""
        state = {
            "observation_size": self.catalogue.observation_size,
            "model": described(self.model),
            "steps": self.model.num_timesteps,
            "updates": self.model._n_updates,
            "exploration": float(getattr(self.model, "exploration_rate", 0.0)),
        }
        arrays = {**catalogue_arrays(self.catalogue), **model_arrays(self.model)}
        write_agent(path, self.name, options={}, trained_on=self.trained_on, state=state, arrays=arrays)

    @classmethod
    def load(cls, path: str | Path, *, device: str = "cpu") -> SB3Agent:
        """Read a saved agent; its sessions start anew, its networks, optimisers and replay go on."""
        saved = read_agent(path, (cls.name,))
        catalogue = saved_catalogue(saved)
        with kept_generators(0):
            model = made(saved.state["model"], catalogue.observation_size, catalogue.n_items, device)
        restore_model(model, saved.arrays)
        model.num_timesteps, model._n_updates = saved.state["steps"], saved.state["updates"]
        if hasattr(model, "exploration_rate"):
            model.exploration_rate = saved.state["exploration"]
        return cls(catalogue, device=device, model=model)


@contextmanager
def kept_generators(seed: int) -> Iterator[None]:
    """Let the global generators that Stable-Baselines3 draws from start at `seed`, and leave them as they were."""
    before = np.random.get_state()  # noqa: NPY002 (Stable-Baselines3 draws from it)
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        np.random.seed(seed)  # noqa: NPY002
        try:
            yield
        finally:
            np.random.set_state(before)  # noqa: NPY002
