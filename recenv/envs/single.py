"""`RecSys-v0`: one user of the world at a time, as a Gymnasium environment."""

from __future__ import annotations

from typing import Any

import gymnasium as gym
import numpy as np
from numpy.typing import NDArray

from recenv.causal.world import World
from recenv.envs.actions import action_space, items_of, n_choices, one_action
from recenv.envs.config import EnvConfig, make_config
from recenv.envs.core import BatchCore
from recenv.envs.counterfactual import Counterfactual, counterfactual
from recenv.envs.expected import expected_outcomes
from recenv.envs.explaining import ResponseExplanation, explain
from recenv.envs.keyed_policy import is_policy
from recenv.envs.observation import first_row, observation_space, observe
from recenv.envs.query_checks import running
from recenv.envs.rendering import FPS, MODES, checked_mode, render
from recenv.envs.reset_options import checked_options
from recenv.envs.seeding import drawn_seed
from recenv.envs.state import State
from recenv.envs.treatment import TreatmentEffect, treatment_effect
from recenv.envs.vector import RecSysVectorEnv
from recenv.protocol import Catalogue, Decision


class RecSysEnv(gym.Env):
    """A user of a recommender system, simulated by a causal world.

    Observation: see `recenv.envs.observation` (a flat Box, or a Dict with `observation="history"`).
    Action: a catalogue item id, `Discrete(N)`; with `slate_size=K` an ordered slate, `MultiDiscrete([N] * K)`; with
    `candidates=C` the place among this step's candidates, `Discrete(C)` or `MultiDiscrete([C] * K)`.
    Reward: by the argument `reward`; the default is the rating of the consumed item, 0 when nothing is consumed.
    Termination: the user leaves. Truncation: `horizon` steps.
    State: taste, satiation, trust, hidden mood; all noise is addressed by (seed, episode, user, step, item).

    Parameters
    ----------
    config, options
        An `EnvConfig`, or its fields as keyword arguments.
    render_mode
        None; "human": a panel in the terminal at every reset and step; "rgb_array": `render()` returns a picture.
    """

    metadata = {"render_modes": list(MODES), "render_fps": FPS}  # noqa: RUF012 (Gymnasium's own convention)

    def __init__(self, config: EnvConfig | None = None, *, render_mode: str | None = None, **options: Any) -> None:
        self.render_mode = checked_mode(render_mode)
        self.core = BatchCore(make_config(config, options), batch=1)
        self.config = self.core.config
        self.observation_space = observation_space(self.core)
        self.action_space = action_space(n_choices(self.core), self.config.slate_size)
        self._plain = self.config.candidates is None and self.config.slate_size == 1
        self._flat = self.config.candidates is None and self.config.observation == "features"
        self._actions = np.zeros((1, self.config.slate_size), np.int64)
        self._n_items = self.world.n_items

    @property
    def world(self) -> World:
        """The world this environment plays in; an agent that reads it cheats."""
        return self.core.world

    @property
    def catalogue(self) -> Catalogue:
        """What an agent may know of the items."""
        return self.core.catalogue

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Any, dict[str, Any]]:
        """Start the next episode; `seed` starts counting at episode 0, `options={"user": id}` fixes the user."""
        super().reset(seed=seed)
        if seed is not None or not self.core.seeded:
            self.core.seed([drawn_seed(seed)])
        self.core.begin(self._user(options))
        if self.render_mode == "human":
            self.render()
        return first_row(observe(self.core)), self._masked({"user": int(self.core.state.user[0])})

    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        """Show the item (or slate) and return what came of it.

        `info` holds the user and what a real system would see of the response: item, clicked, purchased, consumed,
        liked and rating (0 where nothing was consumed), each a number, or (K,) for a slate. All of it is in `outcome`.
        """
        core = self.core
        # A record taken out as a tuple costs a tenth of a microsecond; a column of one row, and a number of it, four.
        *_, done = core.state.slot.item()
        if done:
            raise RuntimeError("the episode has ended, or none was begun: call reset() before step()")
        # The common case without an array in between: it is half of the time that Python takes.
        if self._plain and (type(action) is int or type(action) is np.int64) and 0 <= action < self._n_items:
            self._actions[0, 0] = action
        else:
            self._actions[:] = items_of(core, one_action(action, self.config.slate_size))
        core.step(self._actions)
        result: Any = core.out.result.item()
        reward, terminated, truncated = result
        observation = core.state.visible[0].copy() if self._flat else first_row(observe(core))
        info = self._info()
        if self.config.mask_in_info:
            info["action_mask"] = self.action_masks()
        if self.render_mode == "human":
            self.render()
        return observation, reward, terminated, truncated, info

    def _user(self, options: dict[str, Any] | None) -> NDArray[np.int64] | None:
        """Return options["user"] as an array of one; anything else is refused by name."""
        user = checked_options(options, ("user",)).get("user")
        if user is None:
            return None
        if np.ndim(user) or np.asarray(user).dtype.kind not in "iu" or not -1 <= user < self.world.n_users:
            raise ValueError(f"user must be a whole number, 0 to {self.world.n_users - 1} (-1 draws one); got {user!r}")
        return np.array([user], np.int64)

    def _masked(self, info: dict[str, Any]) -> dict[str, Any]:
        """Add the action mask to an info where that was asked for."""
        if self.config.mask_in_info:
            info["action_mask"] = self.action_masks()
        return info

    def _info(self) -> dict[str, Any]:
        user, *_ = self.core.state.slot.item()
        outcome = self.core.out.outcome
        if self.config.slate_size == 1:
            item, _, clicked, purchased, consumed, liked, _, _, _, rating, _, _ = outcome.item()
            return {
                "user": user,
                "item": item,
                "clicked": clicked,
                "purchased": purchased,
                "consumed": consumed,
                "liked": liked,
                "rating": rating if consumed else 0.0,
            }
        outcome = outcome[0]
        seen = {name: outcome[name].copy() for name in ("item", "clicked", "purchased", "consumed", "liked")}
        return {"user": user, **seen, "rating": np.where(outcome["consumed"], outcome["rating"], 0.0)}

    @property
    def outcome(self) -> NDArray[np.void]:
        """(K,) the last response, dtype `recenv.envs.OUTCOME`, hidden utilities included."""
        return self.core.out.outcome[0]

    def render(self) -> NDArray[np.uint8] | None:
        """Return a picture of the last step, (640, 960, 3) uint8, or print it: see `recenv.envs.rendering`."""
        frames = render(self.core, self.render_mode)
        return frames[0] if frames else None

    def vectorised(self, num_envs: int = 1) -> RecSysVectorEnv:
        """Return a vector environment of the same configuration."""
        return RecSysVectorEnv(num_envs, self.config)

    def action_masks(self) -> NDArray[np.bool_]:
        """Return which actions show something: (N,) or (C,), for a slate (K * N,) or (K * C,), as MaskablePPO asks."""
        allowed = self.core.mask() if self.config.candidates is None else self.core.candidates() >= 0
        return np.tile(allowed[0], self.config.slate_size)

    def candidates(self) -> NDArray[np.int64]:
        """Return (C,) candidates as item ids, or (N,) those that may be shown; -1 where not."""
        return self.core.candidates()[0]

    def potential_outcomes(self) -> NDArray[np.void]:
        """Return (N,) the response to each item, alone at the first position, under this step's noise."""
        running(self.core)
        return self.core.potential_outcomes()[0]

    def potential_rewards(self) -> NDArray[np.float64]:
        """Return (N,) the reward each item would bring at this step, alone at the first position."""
        running(self.core)
        return self.core.potential_rewards()[0]

    def expected_outcomes(self, given: str = "log") -> NDArray[np.void]:
        """Return (N,) the mean of `potential_outcomes` over the noise; see `recenv.envs.expected`."""
        return expected_outcomes(self.core, given)[0]

    def counterfactual(self, actions: Any, start: int = 0) -> Counterfactual:
        """Return the current session rolled again from `start` on, with (T',) items, (T', K), or a policy.

        The noise is the same and nothing moves; see `recenv.envs.counterfactual`.
        """
        return counterfactual(self.core, actions if is_policy(actions) else np.asarray(actions)[None], start).of(0)

    def treatment_effect(self, a: Any, b: Any, *, horizon: int | None = 1, policy: Any = None) -> TreatmentEffect:
        """Return what showing `a` rather than `b` now brings; see `recenv.envs.treatment`."""
        return treatment_effect(self.core, a, b, horizon=horizon, policy=policy).of(0)

    def explain(self, decision: Decision | None = None, reasons: str | None = None) -> ResponseExplanation:
        """Return the last response split over its causes, and in words; see `recenv.envs.explaining`."""
        return explain(self.core, decision, reasons).of(0)

    def get_state(self) -> State:
        """Return the state (one row), to branch from with `set_state`, here or in a slot of a batch."""
        return self.core.get_state()

    def set_state(self, state: State) -> None:
        """Go to a state that `get_state` returned, here or as `get_state([slot])` of a batch."""
        self.core.set_state(state)
