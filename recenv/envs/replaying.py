"""A session played again from its beginning: its items are in the state and all of its noise is addressed."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from recenv.causal.noise import episode_user
from recenv.envs.core import BatchCore
from recenv.envs.state import State


class Sessions(NamedTuple):
    """Which session each of B slots is in, and what was shown in it."""

    user: NDArray[np.int64]
    """(B,) rows of the world's user table."""
    episode: NDArray[np.uint32]
    """(B,) episode since seeding."""
    shown: NDArray[np.int64]
    """(B, T, K) item ids, -1 at empty positions and after the last step."""
    steps: NDArray[np.int64]
    """(B,) steps to play; T where only the session's own end says when it is over."""


def current_sessions(core: BatchCore) -> Sessions:
    """Return the session that each slot is in; one that has ended stays current until the next begins."""
    slot = core.state.slot
    shown = core.state.shown.astype(np.int64).reshape(core.batch, -1, core.config.slate_size)
    return Sessions(slot["user"].copy(), slot["episode"].copy(), shown, slot["step"].astype(np.int64))


def answered_sessions(core: BatchCore) -> Sessions:
    """Return the sessions that the last responses belong to: where a slot started anew within its last step, the old.

    Its items are kept beside its last observation; its user was given at the start, or follows from its key.
    """
    now = current_sessions(core)
    over = (core.out.terminated | core.out.truncated) & ~core.state.done
    shown = core.out.final_shown.astype(np.int64).reshape(now.shown.shape)
    episode = np.where(over, now.episode - np.uint32(1), now.episode).astype(np.uint32)
    user = now.user.copy()
    for i in np.flatnonzero(over):
        given = core.begun["episode"][i] == episode[i]
        drawn = core.pools.users[episode_user(core.state.slot["seed"][i], episode[i], len(core.pools.users))]
        user[i] = core.begun["user"][i] if given else drawn
    steps = np.where(over, core.config.horizon, now.steps)
    return Sessions(user, episode, np.where(over[:, None, None], shown, now.shown), steps)


def restarted(core: BatchCore, sessions: Sessions) -> BatchCore:
    """Return a branch of the core at the beginning of the sessions."""
    twin = core.branch()
    twin.state.slot["episode"] = sessions.episode - np.uint32(1)  # begin() adds it again; uint32 wraps by definition
    twin.begin(sessions.user)
    return twin


def replayed(core: BatchCore, sessions: Sessions, steps: NDArray[np.integer]) -> BatchCore:
    """Return a branch of the core in which the first `steps` (B,) steps of the sessions were played again."""
    twin = restarted(core, sessions)
    for s in range(int(steps.max(initial=0))):
        twin.step(sessions.shown[:, s].copy(), (s < steps) & ~twin.state.done)
    return twin


class LastStep(NamedTuple):
    """The last response of each slot and what came before it."""

    before: State
    """State in which the user responded."""
    after: BatchCore
    """A branch just after the response, which is in its `out`."""


def last_step(core: BatchCore) -> LastStep:
    """Return the last response of each slot, played again; a slot without one has only empty positions."""
    sessions = answered_sessions(core)
    twin = restarted(core, sessions)
    before = twin.get_state()
    for s in range(int(sessions.steps.max(initial=0))):
        going = (s < sessions.steps) & ~twin.state.done
        for name in State._fields:
            getattr(before, name)[going] = getattr(twin.state, name)[going]
        twin.step(sessions.shown[:, s].copy(), going)
    return LastStep(before, twin)
