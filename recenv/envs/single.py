"""`RecSys-v0`: one user of the world at a time, as a Gymnasium environment."""

from __future__ import annotations

from typing import Any

import gymnasium as gym
import numpy as np
from numpy.typing import NDArray

from recenv.causal.world import World
from recenv.envs.actions import action_space, checked_actions
from recenv.envs.config import EnvConfig, make_config
from recenv.envs.core import BatchCore
from recenv.envs.counterfactual import Counterfactual, counterfactual
from recenv.envs.expected import expected_outcomes
from recenv.envs.explaining import ResponseExplanation, explain
from recenv.envs.keyed_policy import is_policy
from recenv.envs.observation import first_row, observation_space, observe
from recenv.envs.seeding import drawn_seed
from recenv.envs.state import State
from recenv.envs.treatment import TreatmentEffect, treatment_effect
from recenv.envs.vector import RecSysVectorEnv
from recenv.protocol import Catalogue, Decision


class RecSysEnv(gym.Env):
    """A user of a recommender system, simulated by a causal world.

    Observation: see `recenv.envs.observation` (a flat Box, or a Dict with `observation="history"`).
    Action: a catalogue item id, `Discrete(N)`; with `slate_size=K` an ordered slate, `MultiDiscrete([N] * K)`.
    Reward: by the argument `reward`; the default is the rating of the consumed item, 0 when nothing is consumed.
    Termination: the user leaves. Truncation: `horizon` steps.
    State: taste, satiation, trust, hidden mood; all noise is addressed by (seed, episode, user, step, item).

    Parameters
    ----------
    config, options
        An `EnvConfig`, or its fields as keyword arguments.
    render_mode
        None: nothing is drawn.
    """

    metadata = {"render_modes": []}  # noqa: RUF012 (Gymnasium's own convention)

    def __init__(self, config: EnvConfig | None = None, *, render_mode: str | None = None, **options: Any) -> None:
        if render_mode is not None:
            raise ValueError(f"render_mode must be None, got {render_mode!r}")
        self.render_mode = render_mode
        self.core = BatchCore(make_config(config, options), batch=1)
        self.config = self.core.config
        self.observation_space = observation_space(self.core)
        self.action_space = action_space(self.world.n_items, self.config.slate_size)
        self._actions = np.zeros((1, self.config.slate_size), np.int64)

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
        user = _option(options)
        self.core.begin(None if user is None else np.array([user]))
        return first_row(observe(self.core)), {"user": int(self.core.state.user[0])}

    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        """Show the item (or slate) and return what came of it.

        `info` holds the user and what a real system would see of the response: item, clicked, purchased, consumed,
        liked and rating (0 where nothing was consumed), each a number, or (K,) for a slate. All of it is in `outcome`.
        """
        core = self.core
        if core.state.done[0]:
            raise RuntimeError("the episode has ended, or none was begun: call reset() before step()")
        if type(action) is int or type(action) is np.int64:
            if not 0 <= action < core.world.n_items or self.config.slate_size != 1:
                checked_actions([action], 1, self.config.slate_size, core.world.n_items)
            self._actions[0, 0] = action
        else:
            array = np.asarray(action)
            batched = array.reshape(1) if array.ndim == 0 else array[None]
            self._actions[:] = checked_actions(batched, 1, self.config.slate_size, core.world.n_items)
        core.step(self._actions)
        out = core.out
        observation = core.state.visible[0].copy() if self.config.observation == "features" else self._history()
        return observation, float(out.reward[0]), bool(out.terminated[0]), bool(out.truncated[0]), self._info()

    def _info(self) -> dict[str, Any]:
        user, outcome = int(self.core.state.user[0]), self.core.out.outcome[0]
        if self.config.slate_size == 1:
            item, _, clicked, purchased, consumed, liked, _, _, _, rating, _, _ = outcome[0].item()
            return {
                "user": user,
                "item": item,
                "clicked": clicked,
                "purchased": purchased,
                "consumed": consumed,
                "liked": liked,
                "rating": rating if consumed else 0.0,
            }
        seen = {name: outcome[name].copy() for name in ("item", "clicked", "purchased", "consumed", "liked")}
        return {"user": user, **seen, "rating": np.where(outcome["consumed"], outcome["rating"], 0.0)}

    @property
    def outcome(self) -> NDArray[np.void]:
        """(K,) the last response, dtype `recenv.envs.OUTCOME`, hidden utilities included."""
        return self.core.out.outcome[0]

    def _history(self) -> Any:
        return first_row(observe(self.core))

    def vectorised(self, num_envs: int = 1) -> RecSysVectorEnv:
        """Return a vector environment of the same configuration."""
        return RecSysVectorEnv(num_envs, self.config)

    def action_masks(self) -> NDArray[np.bool_]:
        """Return which items may be shown, (N,), or (K * N,) for a slate (MaskablePPO's convention)."""
        return np.tile(self.core.mask()[0], self.config.slate_size)

    def potential_outcomes(self) -> NDArray[np.void]:
        """Return (N,) the response to each item, alone at the first position, under this step's noise."""
        return self.core.potential_outcomes()[0]

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


def _option(options: dict[str, Any] | None) -> int | None:
    """Return options["user"]; anything else is refused by name."""
    unknown = set(options or ()) - {"user"}
    if unknown:
        raise ValueError(f"reset() knows no option {sorted(unknown)[0]!r}; it knows 'user'")
    return (options or {}).get("user")
