"""The batch core: B users stepped together. Every environment of recenv is a thin adapter over it."""

from __future__ import annotations

import copy
import sys
from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recenv.causal.compiled import is_compiled
from recenv.causal.noise import seed_word
from recenv.causal.world import World
from recenv.envs import loops
from recenv.envs.bound import BoundLoops
from recenv.envs.candidate_sets import offer_all
from recenv.envs.config import EnvConfig, resolve_world
from recenv.envs.elsewhere import meet_all
from recenv.envs.pools import drawn_from, is_own, make_pools
from recenv.envs.reward import reward_alone
from recenv.envs.rules import DISABLED, SAME_STEP, make_rules
from recenv.envs.state import MET_NOTHING, OUTCOME, RESULT, State, make_output, make_state
from recenv.protocol import Catalogue

_EMPTY = np.zeros((), OUTCOME)
_EMPTY["item"] = -1


class BatchCore:
    """B slots, each one user in a session; all randomness is addressed by (seed, episode) of the slot.

    Parameters
    ----------
    config
        The environment's configuration.
    batch
        B.
    autoreset
        `NEXT_STEP`, `SAME_STEP` or `DISABLED` (see `recenv.envs.rules`).
    """

    def __init__(self, config: EnvConfig, batch: int, autoreset: int = DISABLED) -> None:
        self.config = config
        self.world: World = resolve_world(config)
        self.batch = batch
        self.pools = make_pools(self.world, config)
        self.rules = make_rules(self.world, config, autoreset)
        self.rules["n_drawn"] = len(self.pools.users)
        self.dials = self.world.behaviour.dials(**self.world.held)
        history = config.horizon * config.slate_size
        self.state = make_state(self.world, batch, history)
        self.out = make_output(self.world, batch, config.slate_size, history)
        self.begun = np.zeros(batch, self.state.slot[["episode", "user"]].dtype)
        """(B,) the last episode that `begin` or `set_state` put into each slot, and whose it is."""
        self.seeded = False
        self.tables = drawn_from(self.world.tables, self.pools)
        self.threads = config.threads
        """Threads that share a step of many slots; the results do not depend on it."""
        self._bound_loops: BoundLoops | None = None
        self._order = np.arange(batch, dtype=np.uint64)  # see loops.step_blocks
        self._all_items = bool(self.pools.allowed.all()) and config.feedback != "logged"
        self._offered: NDArray[np.int64] | None = None
        self._keeps_final = config.candidates is not None and autoreset == SAME_STEP
        self._slot_before = self.state.slot
        self._reward = config.reward if callable(config.reward) else None
        _announce_compilation()

    @property
    def catalogue(self) -> Catalogue:
        """What an agent may know of the items."""
        return self.world.catalogue(self.state.visible.shape[1])

    def seed(self, seeds: Sequence[int] | NDArray[np.integer], slots: NDArray[np.bool_] | None = None) -> None:
        """Give slots a seed and let their episodes count from 0 again; `slots` (B,) masks those that are meant."""
        mask = np.ones(self.batch, bool) if slots is None else slots
        words = np.array([seed_word(int(seed)) for seed in seeds], np.uint32)
        self.state.slot["seed"][mask] = words[mask]
        # begin() adds one, and the first episode is 0; uint32 arithmetic wraps by definition.
        self.state.slot["episode"][mask] = np.uint32(0xFFFFFFFF)
        self.seeded = True

    def begin(self, users: NDArray[np.integer] | None = None, slots: NDArray[np.bool_] | None = None) -> None:
        """Start the next episode of slots; `users` (B,) fixes who it is, -1 draws the user from the episode's key."""
        mask = np.ones(self.batch, bool) if slots is None else slots
        chosen = np.full(self.batch, -1, np.int64) if users is None else self.checked_users(users)
        self._bound.begin(mask, chosen)
        self._offered = None
        self.begun[mask] = self.state.slot[["episode", "user"]][mask]

    def _remember(self, mask: NDArray[np.bool_]) -> None:
        """Note whose episode was begun or branched to, and forget the results of the one before."""
        self._offered = None
        self.begun[mask] = self.state.slot[["episode", "user"]][mask]
        self.out.outcome[mask] = _EMPTY
        self.out.result[mask] = np.zeros((), RESULT)
        self.out.elsewhere[mask] = MET_NOTHING

    def checked_users(self, users: NDArray[np.integer]) -> NDArray[np.int64]:
        """Return users as (B,) int64, or refuse those that the world does not have."""
        chosen = np.asarray(users)
        if chosen.shape != (self.batch,) or chosen.dtype.kind not in "iu":
            raise ValueError(f"users must be {self.batch} whole numbers, got {chosen.dtype} of shape {chosen.shape}")
        bad = np.flatnonzero((chosen < -1) | (chosen >= self.world.n_users))
        if len(bad):
            raise ValueError(
                f"users[{bad[0]}] is {chosen[bad[0]]}; the world has users 0 to {self.world.n_users - 1} (-1 draws one)"
            )
        if len(self.pools.users) < self.world.n_users:
            self._check_pool(chosen)
        return chosen.astype(np.int64)

    def _check_pool(self, chosen: NDArray[np.integer]) -> None:
        """Refuse users that are not in the pool."""
        bad = np.flatnonzero((chosen >= 0) & ~np.isin(chosen, self.pools.users))
        if len(bad):
            raise ValueError(
                f"users[{bad[0]}] is {chosen[bad[0]]}, who takes no part here (users={self.config.users!r}, "
                f"feedback={self.config.feedback!r}): core.pools.users lists the {len(self.pools.users)} who do"
            )

    def step(
        self,
        actions: NDArray[np.int64],
        slots: NDArray[np.bool_] | None = None,
        copies: NDArray[np.float32] | None = None,
    ) -> None:
        """Step every slot, or those of the mask `slots` (B,), with actions (B, K) of item ids; results are in `out`.

        An item outside the pool is an empty position. `copies` (B, O), C-contiguous, gets a copy of `state.visible`,
        which costs less here than afterwards.

        Raises
        ------
        ValueError
            With `feedback="logged"`, if an item is none that the user rated.
        """
        order = self._order if slots is None else np.flatnonzero(slots).astype(np.uint64)
        if not self._all_items:
            actions = self._showable(actions, order)
        if self._keeps_final:
            self._slot_before = self.state.slot.copy()
        self._offered = None
        if self._reward is None:
            self._bound.step(order, actions, copies)
            return
        begun = self.state.done.copy()
        self._bound.step(order, actions, copies)
        reward = _checked_reward(self._reward, self.out.outcome)
        # A slot that only started its next episode in this step (NEXT_STEP) brought nothing.
        self.out.reward[:] = np.where(begun, 0.0, reward)

    @property
    def _bound(self) -> BoundLoops:
        """The compiled loops on this core's arrays; bound again where these were replaced, as in `branch`."""
        bound = self._bound_loops
        if bound is None or bound.state is not self.state or bound.threads != self.threads:
            arrays = (self.tables, self.state, self.dials, self.rules, self.out)
            bound = self._bound_loops = BoundLoops(*arrays, threads=self.threads)
        return bound

    def _showable(self, actions: NDArray[np.int64], order: NDArray[np.uint64]) -> NDArray[np.int64]:
        """Return the actions with -1 for items outside the pool; in a replay, refuse items that were not rated."""
        if self.config.feedback != "logged":
            return np.where(self.pools.allowed[actions] & (actions >= 0), actions, -1)
        rows = order.astype(np.int64)
        strange = ~is_own(self.pools, self.state.user[rows], actions[rows]) & (actions[rows] >= 0)
        if strange.any():
            row, k = np.argwhere(strange)[0]
            raise ValueError(
                f"user {self.state.user[rows[row]]} did not rate item {actions[rows[row], k]}, and nothing is "
                'simulated: show a candidate, or use feedback="hybrid"'
            )
        return actions

    def in_pool(self) -> NDArray[np.bool_]:
        """Return (B, N) whether each item belongs to what each user can be shown in any episode."""
        if self.config.feedback != "logged":
            return np.tile(self.pools.allowed, (self.batch, 1))
        return is_own(self.pools, self.state.user, np.tile(np.arange(self.world.n_items), (self.batch, 1)))

    def mask(self) -> NDArray[np.bool_]:
        """Return (B, N) whether each item may be shown: in the pool, and new in this episode or free to repeat."""
        allowed = self.in_pool()
        if not self.config.repeat:
            rows, places = np.nonzero(self.state.shown >= 0)
            allowed[rows, self.state.shown[rows, places]] = False
        return allowed

    def candidates(self) -> NDArray[np.int64]:
        """Return (B, C) item ids to choose from at this step; the whole catalogue (B, N) where none are drawn.

        -1 stands for an item that may not be shown, and pads where fewer than C are left.
        """
        if self.config.candidates is None:
            return np.where(self.mask(), np.arange(self.world.n_items), -1)
        if self._offered is None:
            self._offered = self._offer(self._order, self.state)
        return self._offered.copy()

    def moved(self) -> None:
        """Note that someone else wrote into `state`: the candidates are to be drawn again."""
        self._offered = None

    def _offer(self, order: NDArray[np.uint64], state: State) -> NDArray[np.int64]:
        offered = np.full((self.batch, self.config.candidates or 0), -1, np.int64)
        offer_all(order, state, self.rules, self.pools, offered)
        return offered

    def final_candidates(self, slot: int) -> NDArray[np.int64]:
        """Return (C,) what stood in the last observation of the episode that just ended in a slot (`SAME_STEP`)."""
        before = self._slot_before.copy()
        before["step"] += 1
        over = self.state._replace(slot=before, shown=self.out.final_shown)
        return self._offer(np.array([slot], np.uint64), over)[slot]

    def potential_outcomes(self) -> NDArray[np.void]:
        """Return (B, N) of dtype OUTCOME: the response to each item alone at the first position, under this noise.

        With `feedback="logged"` an item that the user did not rate has no response: its `item` is -1. Nor has any where
        the episode has ended.
        """
        outcome = np.zeros((self.batch, self.world.n_items), OUTCOME)
        loops.respond_to_all_items(self.tables, self.state, self.dials, self.rules, outcome)
        if self.config.feedback == "logged":
            outcome[~self.in_pool()] = _EMPTY
        outcome[self.state.done] = _EMPTY
        return outcome

    def potential_rewards(self) -> NDArray[np.float64]:
        """Return (B, N) the reward of each item, alone at the first position; 0 for one that may not be shown.

        With `feedback="logged"` it is NaN for an item that the user did not rate, as it is where the episode has ended.
        """
        outcome = self.potential_outcomes()
        if self._reward is not None:
            alone = _checked_reward(self._reward, outcome.reshape(-1, 1)).reshape(outcome.shape)
        else:
            met = self._met_elsewhere()
            alone = reward_alone(
                str(self.config.reward), outcome, self.state.trust, self.dials[0], self.world.n_levels, met
            )
        may_be = np.where(self.state.done[:, None], np.nan, np.where(self.mask(), alone, 0.0))
        return may_be if self.config.feedback != "logged" else np.where(self.in_pool(), may_be, np.nan)

    def _met_elsewhere(self) -> NDArray[np.void]:
        """Return (B,) of dtype ELSEWHERE: what each user consumes at this step if nothing is shown."""
        met = np.full(self.batch, MET_NOTHING)
        if self.dials["organic_rate"][0] > 0.0:
            nothing = np.full((self.batch, self.config.slate_size), -1, np.int64)
            meet_all(self._order, nothing, self.tables, self.state, self.dials[0], self.rules[0], met)
        return met

    @cached_property
    def logged_before(self) -> NDArray[np.float64]:
        """(n,) satisfaction less its noise of each logged pair, when the pair was abducted."""
        from recenv.envs.logged_interval import satisfaction_before_noise

        return satisfaction_before_noise(self.world)

    def get_state(self, slots: NDArray[np.integer] | Sequence[int] | None = None) -> State:
        """Return a copy of the state of every slot, or of the listed ones, to branch from."""
        rows = np.arange(self.batch) if slots is None else self._checked_slots(slots)
        return State._make(column[rows] for column in self.state)

    def set_state(self, state: State, slots: NDArray[np.integer] | Sequence[int] | None = None) -> None:
        """Put a state that `get_state` returned, here or elsewhere, into every slot or the listed ones, noise included.

        Raises
        ------
        TypeError
            If it is no such state.
        ValueError
            If it has another number of slots, or another world's or session's sizes.
        """
        if not isinstance(state, State):
            raise TypeError(f"state must be what get_state() returned, got {type(state).__name__}")
        rows = np.arange(self.batch) if slots is None else self._checked_slots(slots)
        for name in State._fields:
            shape, given = (len(rows), *getattr(self.state, name).shape[1:]), getattr(state, name).shape
            if given != shape:
                raise ValueError(
                    f"state.{name} must have shape {shape}, got {given}: take it from an environment of the same "
                    "world, horizon and slate_size, and say which slots= it is for"
                )
        for name in State._fields:
            getattr(self.state, name)[rows] = getattr(state, name)
        self.seeded = True
        self._remember(np.isin(np.arange(self.batch), rows))

    def _checked_slots(self, slots: NDArray[np.integer] | Sequence[int]) -> NDArray[np.int64]:
        rows = np.asarray(slots)
        if rows.ndim != 1 or rows.dtype.kind not in "iu" or len(np.unique(rows)) != len(rows):
            raise ValueError(f"slots must be a list of different whole numbers, got {slots!r}")
        if len(rows) and (rows.min() < 0 or rows.max() >= self.batch):
            raise ValueError(f"slots must be 0 to {self.batch - 1}, got {rows.min()} to {rows.max()}")
        return rows.astype(np.int64)

    def branch(self) -> BatchCore:
        """Return a core in the same state that never starts an episode anew; stepping it moves nothing here.

        In such a core `step` needs `slots`: an episode that has ended must not be stepped.
        """
        twin = copy.copy(self)
        twin.state, twin.begun = self.get_state(), self.begun.copy()
        twin.out = make_output(self.world, self.batch, self.config.slate_size, self.state.shown.shape[1])
        twin.out.outcome[:] = _EMPTY
        twin.rules, twin._bound_loops = self.rules.copy(), None
        twin.rules["autoreset"] = DISABLED
        twin._keeps_final = False
        return twin


def _checked_reward(reward: Callable[[NDArray[np.void]], Any], outcome: NDArray[np.void]) -> NDArray[np.float64]:
    value = np.asarray(reward(outcome), np.float64)
    if value.shape != (len(outcome),) or not np.all(np.isfinite(value)):
        raise ValueError(
            f"the reward function must return {len(outcome)} finite numbers, one a user; got shape {value.shape}"
            f"{'' if value.shape != (len(outcome),) else ' with NaN or infinity'}"
        )
    return value


_announced = False


def _announce_compilation() -> None:
    """Tell, once a process, that the first step on this machine compiles the equations."""
    global _announced
    if not _announced and not is_compiled():
        print("recenv: compiling the structural equations, once on this machine (about 20 s) ...", file=sys.stderr)
    _announced = True
