"""Stable-Baselines3's `VecEnv` on the batch core: any of its algorithms trains on many users without a Python loop.

from stable_baselines3 import PPO
PPO("MlpPolicy", VecEnv(64, world="synthetic")).learn(100_000)
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import gymnasium as gym
import numpy as np
from numpy.typing import NDArray
from stable_baselines3.common import vec_env

from recenv.envs.config import EnvConfig
from recenv.envs.observation import observe
from recenv.envs.rendering import FPS
from recenv.envs.reset_options import checked_options
from recenv.envs.vector import RecSysVectorEnv
from recenv.protocol import Catalogue

__all__ = ["RecSysVecEnv", "VecEnv"]


class RecSysVecEnv(vec_env.VecEnv):
    """`RecSys-v0` for Stable-Baselines3: slot i seeded with `seed` equals a single environment seeded with `seed + i`.

    Observation, action, reward, termination and state are those of `recenv.envs.RecSysEnv`. A finished session starts
    anew within the step; its `info` holds `terminal_observation`, `TimeLimit.truncated` and `episode` (r, the total
    reward; l, its length; t, steps that this environment has taken). All other users share one empty `info`.

    Parameters
    ----------
    num_envs
        B, the number of users.
    config, options
        An `EnvConfig`, or its fields as keyword arguments; `render_mode` as in `RecSysVectorEnv`.
    """

    def __init__(self, num_envs: int = 1, config: EnvConfig | None = None, **options: Any) -> None:
        self.native = RecSysVectorEnv(num_envs, config, autoreset_mode="SameStep", **options)
        self.config = self.native.config
        super().__init__(num_envs, self.native.single_observation_space, self.native.single_action_space)
        self.metadata["render_fps"] = FPS  # type: ignore[assignment]
        self._total = np.zeros(num_envs)
        self._length = np.zeros(num_envs, np.int64)
        self._taken = 0
        self._actions = np.zeros((num_envs, self.config.slate_size), np.int64)

    @property
    def catalogue(self) -> Catalogue:
        """What an agent may know of the items."""
        return self.native.catalogue

    @property
    def shown(self) -> NDArray[np.int32]:
        """(B, H) ids of the items shown in each running session, in order; -1 after the last."""
        return self.native.core.state.shown.copy()

    def reset(self) -> Any:
        """Start the next episode of every slot; what `seed` and `set_options` gave is used once."""
        seeded = any(seed is not None for seed in self._seeds)
        users = [checked_options(options, ("user",)).get("user", -1) for options in self._options]
        observation, info = self.native.reset(
            seed=self._seeds if seeded else None,
            options={"users": np.array(users, np.int64)},
        )
        self.reset_infos = [{"user": int(user)} for user in info["user"]]
        self._total[:] = 0.0
        self._length[:] = 0
        self._reset_seeds()
        self._reset_options()
        return observation

    def step_async(self, actions: NDArray[Any]) -> None:
        """Keep the actions, (B,) or (B, K) item ids (or places among the candidates), for `step_wait`."""
        self._actions[:] = self.native.items_of(actions)

    def step_wait(self) -> tuple[Any, NDArray[np.float32], NDArray[np.bool_], list[dict[str, Any]]]:
        """Step every user and return observations, rewards (B,), whether the session ended (B,), and infos."""
        core = self.native.core
        if not core.seeded:
            raise RuntimeError("no episode was begun: call reset() before step()")
        core.step(self._actions)
        self._total += core.out.reward
        self._length += 1
        self._taken += 1
        done = core.out.terminated | core.out.truncated
        infos: list[dict[str, Any]] = [{}] * self.num_envs
        for slot in np.flatnonzero(done):
            infos[slot] = self._final_info(int(slot))
        self._total[done] = 0.0
        self._length[done] = 0
        return observe(core), core.out.reward.astype(np.float32), done, infos

    def _final_info(self, slot: int) -> dict[str, Any]:
        episode = {"r": float(self._total[slot]), "l": int(self._length[slot]), "t": self._taken}
        return {
            "terminal_observation": self.native.final_observation(slot),
            "TimeLimit.truncated": bool(self.native.core.out.truncated[slot]),
            "episode": episode,
        }

    def action_masks(self) -> NDArray[np.bool_]:
        """Return (B, K * N), or (B, K * C), which actions show something (MaskablePPO's convention)."""
        return np.tile(self.native.action_masks(), (1, self.config.slate_size))

    def close(self) -> None:
        """Do nothing; there is nothing to free."""

    def get_attr(self, attr_name: str, indices: Any = None) -> list[Any]:
        """Return an attribute of the native environment, once for each slot asked for."""
        slots = list(self._get_indices(indices))
        if attr_name == "action_masks":
            return [lambda slot=slot: self.action_masks()[slot] for slot in slots]
        return [getattr(self.native, attr_name)] * len(slots)

    def set_attr(self, attr_name: str, value: Any, indices: Any = None) -> None:
        """Refuse: slots share one environment, whose configuration is frozen."""
        raise AttributeError(
            f"cannot set {attr_name!r}: the configuration is frozen, make another RecSysVecEnv instead"
        )

    def env_method(self, method_name: str, *method_args: Any, indices: Any = None, **method_kwargs: Any) -> list[Any]:
        """Call `action_masks` for the slots asked for, or print the panels with `render`; a slot has no other method.

        Raises
        ------
        AttributeError
            If another method is named.
        """
        if method_name == "render":
            self.native.render()
            return []
        if method_name != "action_masks":
            raise AttributeError(f"a slot has no method {method_name!r}; it has 'action_masks'")
        if method_args or method_kwargs:
            raise TypeError("action_masks takes no argument")
        return list(self.action_masks()[list(self._get_indices(indices))])

    def env_is_wrapped(self, wrapper_class: type[gym.Wrapper], indices: Any = None) -> list[bool]:
        """Return False for each slot: nothing is wrapped."""
        return [False for _ in self._get_indices(indices)]

    def get_images(self) -> Sequence[NDArray[Any] | None]:
        """Return a picture of each of the first slots; none without `render_mode="rgb_array"`."""
        return list(self.native.render() or ()) if self.render_mode == "rgb_array" else []


VecEnv = RecSysVecEnv
"""`recenv.sb3.VecEnv`, by the name of what it is."""
