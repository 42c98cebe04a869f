"""`RecSys-v0` for many users at once: Gymnasium's vector interface on the batch core, without a Python loop."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from gymnasium.vector import AutoresetMode, VectorEnv
from gymnasium.vector.utils import batch_space
from numpy.typing import NDArray

from recenv.causal.world import World
from recenv.envs.actions import action_space, actions_of, items_of, n_choices
from recenv.envs.config import EnvConfig, make_config
from recenv.envs.core import BatchCore
from recenv.envs.counterfactual import Counterfactual, counterfactual
from recenv.envs.expected import expected_outcomes
from recenv.envs.explaining import Explanation, explain
from recenv.envs.observation import first_row, history, observation_space, observe, with_candidates, without_candidates
from recenv.envs.query_checks import running
from recenv.envs.rendering import FPS, MODES, checked_mode, render
from recenv.envs.reset_options import checked_options
from recenv.envs.reward import reward_by_position
from recenv.envs.rules import DISABLED, NEXT_STEP, SAME_STEP
from recenv.envs.seeding import slot_seeds
from recenv.envs.state import State
from recenv.envs.treatment import TreatmentEffect, treatment_effect
from recenv.protocol import Catalogue, Decision, Request

_MODES = {AutoresetMode.NEXT_STEP: NEXT_STEP, AutoresetMode.SAME_STEP: SAME_STEP, AutoresetMode.DISABLED: DISABLED}


class RecSysVectorEnv(VectorEnv):
    """Many users of one world; slot i seeded with `seed` equals a single environment seeded with `seed + i`.

    Observation, action, reward, termination and state are those of `RecSysEnv`, with a leading axis B.
    `gymnasium.make_vec("RecSys-v0", num_envs=B, vectorization_mode="vector_entry_point")` makes it.

    Parameters
    ----------
    num_envs
        B, the number of users.
    autoreset_mode
        Gymnasium's mode: `NEXT_STEP` (its default), `SAME_STEP` (the last observation is in `info["final_obs"]`) or
        `DISABLED` (use `reset(options={"reset_mask": mask})`).
    config, options
        An `EnvConfig`, or its fields as keyword arguments.
    """

    metadata: dict[str, Any] = {  # noqa: RUF012 (Gymnasium's own convention)
        "render_modes": list(MODES),
        "render_fps": FPS,
        "autoreset_mode": AutoresetMode.NEXT_STEP,
    }

    def __init__(
        self,
        num_envs: int = 1,
        config: EnvConfig | None = None,
        *,
        autoreset_mode: AutoresetMode | str = AutoresetMode.NEXT_STEP,
        render_mode: str | None = None,
        **options: Any,
    ) -> None:
        if isinstance(num_envs, bool) or not isinstance(num_envs, (int, np.integer)) or num_envs < 1:
            raise ValueError(f"num_envs must be a whole number, 1 or more; got {num_envs!r}")
        self.num_envs = int(num_envs)
        self.render_mode = checked_mode(render_mode)
        self.autoreset_mode = _checked_autoreset(autoreset_mode)
        self.metadata = {**type(self).metadata, "autoreset_mode": self.autoreset_mode}
        self.core = BatchCore(make_config(config, options), self.num_envs, _MODES[self.autoreset_mode])
        self.config = self.core.config
        self.single_observation_space = observation_space(self.core)
        self.single_action_space = action_space(n_choices(self.core), self.config.slate_size)
        self.observation_space = batch_space(self.single_observation_space, num_envs)
        self.action_space = batch_space(self.single_action_space, num_envs)
        self._begun = False

    @property
    def world(self) -> World:
        """The world this environment plays in; an agent that reads it cheats."""
        return self.core.world

    @property
    def catalogue(self) -> Catalogue:
        """What an agent may know of the items."""
        return self.core.catalogue

    def reset(
        self, *, seed: int | Sequence[int | None] | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Any, dict[str, Any]]:
        """Start the next episode of every slot.

        `seed` is one number (slot i gets seed + i) or one a slot; `options` may hold "users", (B,) user ids (-1 draws
        one), and "reset_mask", (B,) which slots to start anew.
        """
        users, mask = self._options(options)
        if seed is not None or not self.core.seeded:
            # The first time every slot gets a seed, also those that a mask leaves for later.
            self.core.seed(slot_seeds(seed, self.num_envs), mask if self.core.seeded else None)
        self.core.begin(users, mask)
        self._begun = True
        if self.render_mode == "human":
            self.render()
        return observe(self.core), self._masked({"user": self.core.state.user.copy()})

    def _masked(self, info: dict[str, Any]) -> dict[str, Any]:
        """Add the action mask to an info where that was asked for."""
        if self.config.mask_in_info:
            info |= {"action_mask": self.action_masks(), "_action_mask": np.ones(self.num_envs, bool)}
        return info

    def _options(self, options: dict[str, Any] | None) -> tuple[Any, NDArray[np.bool_] | None]:
        given = checked_options(options, ("users", "reset_mask"))
        mask = given.get("reset_mask")
        if mask is not None and (np.shape(mask) != (self.num_envs,) or np.asarray(mask).dtype != bool):
            raise ValueError(
                f"reset_mask must be {self.num_envs} booleans, True where a slot starts anew; got {mask!r}"
            )
        return given.get("users"), None if mask is None else np.asarray(mask)

    def step(self, actions: Any) -> tuple[Any, NDArray[np.float64], NDArray[np.bool_], NDArray[np.bool_], dict]:
        """Show one item (or slate) to every user, (B,) or (B, K); what they answered is in `responses()`."""
        core = self.core
        if not self._begun:
            raise RuntimeError("no episode was begun: call reset() before step()")
        if self.autoreset_mode is AutoresetMode.DISABLED and core.state.done.any():
            slot = int(np.flatnonzero(core.state.done)[0])
            raise RuntimeError(f"the episode of user {slot} has ended: reset it with options={{'reset_mask': mask}}")
        before = core.state.done.copy()
        seen = np.empty_like(core.state.visible)
        core.step(items_of(core, actions), copies=seen)
        out = core.out
        info: dict[str, Any] = {}
        if self.autoreset_mode is AutoresetMode.SAME_STEP:
            done = out.terminated | out.truncated
            info = self._final(done) if done.any() else {}
        elif before.any():
            info = {"user": core.state.user.copy(), "_user": before}
        if self.render_mode == "human":
            self.render()
        return (
            observe(core, seen),
            out.reward.copy(),
            out.terminated.copy(),
            out.truncated.copy(),
            self._masked(info),
        )

    def _final(self, done: NDArray[np.bool_]) -> dict[str, Any]:
        """Return Gymnasium's `final_obs` and `final_info` of the slots whose episode ended in this step."""
        rows = np.empty(self.num_envs, object)
        for i in np.flatnonzero(done):
            rows[i] = self.final_observation(int(i))
        return {"final_obs": rows, "_final_obs": done, "final_info": {}, "_final_info": done}

    def final_observation(self, slot: int) -> Any:
        """Return the last observation of the episode that just ended in a slot (`SAME_STEP`)."""
        core, row = self.core, slice(slot, slot + 1)
        seen: Any = core.out.final_observation[row].copy()
        if self.config.observation == "history":
            seen = history(seen, core.out.final_shown[row].copy(), core.out.final_felt[row].copy())
        if self.config.candidates is not None:
            seen = with_candidates(seen, core.final_candidates(slot)[None], core.world)
        return first_row(seen)

    def render(self) -> tuple[NDArray[np.uint8], ...] | None:
        """Return a picture of each of the first slots (at most nine), or print them: see `recenv.envs.rendering`."""
        return render(self.core, self.render_mode)

    @property
    def outcome(self) -> NDArray[np.void]:
        """(B, K) responses of the last step, dtype `recenv.envs.OUTCOME`; item -1 where a slot started anew."""
        return self.core.out.outcome

    @property
    def users(self) -> NDArray[np.int64]:
        """(B,) who is in each slot, rows of the world's user table."""
        return self.core.state.user.copy()

    def responses(self) -> dict[str, NDArray[Any]]:
        """Return what a real system sees of the last responses, (B, K) each.

        clicked, purchased, consumed, liked (bool) and rating (0 where nothing was consumed).
        """
        outcome = self.core.out.outcome
        seen: dict[str, NDArray[Any]] = {
            name: outcome[name].copy() for name in ("clicked", "purchased", "consumed", "liked")
        }
        return {**seen, "rating": np.where(outcome["consumed"], outcome["rating"], 0.0)}

    def position_rewards(self) -> NDArray[np.float64]:
        """Return (B, K) the last reward split over the positions; see `recenv.envs.reward`."""
        return reward_by_position(self.config.reward, self.core.out.outcome, self.core.out.reward)

    def request(self, observation: Any) -> Request:
        """Return what a policy is asked at this step: the observation, who may be shown what, and to whom.

        `observation` is the one that the last `reset` or `step` returned; the part on candidates is left out of it,
        since the request has them as ids.
        """
        seen = without_candidates(observation, self.core)
        return Request(seen, self.core.candidates(), self.config.slate_size, self.users)

    def actions_of(self, items: NDArray[np.integer], slots: NDArray[np.integer] | None = None) -> NDArray[np.int64]:
        """Return the action that shows catalogue items (B, K), -1 an empty position: (B,), or (B, K) for slates.

        With `slots` (n,) the items are those of these slots only. It is the way from a `Decision` to `step`.
        """
        return actions_of(self.core, items, slots)

    def items_of(self, actions: Any) -> NDArray[np.int64]:
        """Return (B, K) the catalogue ids that actions stand for at this step."""
        return items_of(self.core, actions)

    def action_masks(self) -> NDArray[np.bool_]:
        """Return (B, N) which items may be shown, or (B, C) which candidates there are."""
        return self.core.mask() if self.config.candidates is None else self.core.candidates() >= 0

    def candidates(self) -> NDArray[np.int64]:
        """Return (B, C) candidates as item ids, or (B, N) those that may be shown; -1 where not."""
        return self.core.candidates()

    def potential_outcomes(self) -> NDArray[np.void]:
        """Return (B, N) the response to each item, alone at the first position, under this step's noise."""
        running(self.core)
        return self.core.potential_outcomes()

    def potential_rewards(self) -> NDArray[np.float64]:
        """Return (B, N) the reward each item would bring at this step, alone at the first position."""
        running(self.core)
        return self.core.potential_rewards()

    def expected_outcomes(self, given: str = "log") -> NDArray[np.void]:
        """Return (B, N) the mean of `potential_outcomes` over the noise; see `recenv.envs.expected`."""
        return expected_outcomes(self.core, given)

    def counterfactual(self, actions: Any, start: Any = 0) -> Counterfactual:
        """Return the current sessions rolled again from `start` on, with (B, T') items, (B, T', K), or a policy.

        The noise is the same and nothing moves; see `recenv.envs.counterfactual`.
        """
        return counterfactual(self.core, actions, start)

    def treatment_effect(self, a: Any, b: Any, *, horizon: int | None = 1, policy: Any = None) -> TreatmentEffect:
        """Return what showing `a` rather than `b` now brings to each user; see `recenv.envs.treatment`."""
        return treatment_effect(self.core, a, b, horizon=horizon, policy=policy)

    def explain(self, decision: Decision | None = None, reasons: str | Sequence[str] | None = None) -> Explanation:
        """Return the last responses split over their causes; see `recenv.envs.explaining`."""
        return explain(self.core, decision, reasons)

    def get_state(self, slots: Sequence[int] | NDArray[np.integer] | None = None) -> State:
        """Return the state of all slots, or of the listed ones, to branch from with `set_state` here or elsewhere."""
        return self.core.get_state(slots)

    def set_state(self, state: State, slots: Sequence[int] | NDArray[np.integer] | None = None) -> None:
        """Put a state that `get_state` returned, here or in a single environment, into all or the listed slots."""
        self.core.set_state(state, slots)
        self._begun = True


def _checked_autoreset(mode: AutoresetMode | str) -> AutoresetMode:
    """Return Gymnasium's mode of this value, or refuse it with the values that there are."""
    try:
        return AutoresetMode(mode)
    except ValueError:
        valid = ", ".join(repr(one.value) for one in AutoresetMode)
        raise ValueError(f"autoreset_mode must be an AutoresetMode or one of {valid}; got {mode!r}") from None
