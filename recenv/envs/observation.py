"""What an agent sees, and its spaces. Never taste, mood or V: only what a real system would have.

The flat observation (O,) is, in order: the user's visible features (F, in [-4, 4]); two topic profiles of this
session, decayed over the steps (G each, in [0, 1]): what was consumed, and the same weighted by its normalised rating;
and five scalars in [0, 1]: step / horizon, the last mean normalised rating, its mean over the session, the share of
steps with consumption, and whether this is the first step.

With C candidates it goes on, for policies that choose by place: the C x Q visible features of the candidates and
their C ids divided by N. In a history they are `candidates` (C,) and `candidate_features` (C, Q). A missing candidate
has id -1 and features 0. What agents are asked (`Request`) lacks this part: its `candidates` say it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from recenv.causal.compiled import jit
from recenv.causal.visible import LIMIT
from recenv.causal.world import World
from recenv.envs.core import BatchCore
from recenv.envs.state import SCALARS

CANDIDATE_PART = ("candidates", "candidate_features")
"""Entries of a history that only those need who choose by place."""


def observation_space(core: BatchCore) -> spaces.Space:
    """Return the space of one user's observation."""
    features, topics, count = core.world.user_features.shape[1], core.world.topic.shape[1], core.config.candidates
    low = np.concatenate([np.full(features, -LIMIT), np.zeros(2 * topics + SCALARS)]).astype(np.float32)
    high = np.concatenate([np.full(features, LIMIT), np.ones(2 * topics + SCALARS)]).astype(np.float32)
    edge = max(LIMIT, float(np.abs(core.world.item_features).max(initial=0.0)))
    if core.config.observation == "features":
        if count is not None:
            offered = np.concatenate([np.full(count * core.world.item_features.shape[1], edge), np.ones(count)])
            low, high = np.concatenate([low, -offered]), np.concatenate([high, offered])
        return spaces.Box(low.astype(np.float32), high.astype(np.float32), dtype=np.float32)
    history, last = core.state.shown.shape[1], core.world.n_items - 1
    entries: dict[str, spaces.Space] = {
        "features": spaces.Box(low, high, dtype=np.float32),
        "shown": spaces.Box(-1, last, (history,), np.int32),
        "feedback": spaces.Box(0.0, 1.0, (history,), np.float32),
        "mask": spaces.Box(0, 1, (history,), np.int8),
    }
    if count is not None:
        shape = (count, core.world.item_features.shape[1])
        entries["candidates"] = spaces.Box(-1, last, (count,), np.int64)
        entries["candidate_features"] = spaces.Box(-edge, edge, shape, np.float32)
    return spaces.Dict(entries)


def observe(core: BatchCore, flat: NDArray[np.float32] | None = None) -> NDArray[np.float32] | dict[str, NDArray[Any]]:
    """Return the observation of B users, in arrays of their own; `flat` (B, O) is their flat part, if it is there."""
    seen = observe_session(core, flat)
    return seen if core.config.candidates is None else with_candidates(seen, core.candidates(), core.world)


def observe_session(
    core: BatchCore, flat: NDArray[np.float32] | None = None
) -> NDArray[np.float32] | dict[str, NDArray[Any]]:
    """Return what B users' sessions show, without the candidates of this step."""
    flat = core.state.visible.copy() if flat is None else flat
    if core.config.observation == "features":
        return flat
    return history(flat, core.state.shown.copy(), core.state.felt.copy())


def history(flat: NDArray[np.float32], shown: NDArray[np.int32], felt: NDArray[np.float32]) -> dict[str, NDArray[Any]]:
    """Return the entries of a history."""
    return {"features": flat, "shown": shown, "feedback": felt, "mask": (shown >= 0).astype(np.int8)}


def with_candidates(seen: Any, candidates: NDArray[np.int64], world: World) -> Any:
    """Return the observation of B users with their candidates (B, C) added."""
    (users, count), width = candidates.shape, world.item_features.shape[1]
    if isinstance(seen, Mapping):
        features = np.empty((users, count, width), np.float32)
        fill_features(candidates, world.item_features, features.reshape(users, -1))
        return {**seen, "candidates": candidates, "candidate_features": features}
    start = seen.shape[1]
    whole = np.empty((users, start + count * (width + 1)), np.float32)
    whole[:, :start] = seen
    fill_features(candidates, world.item_features, whole[:, start : start + count * width])
    whole[:, start + count * width :] = candidates / world.n_items
    return whole


@jit
def fill_features(candidates, table, out):  # type: ignore[no-untyped-def]
    """Write the features of each candidate, side by side, into out (B, C * Q); 0 for a missing one."""
    width = table.shape[1]
    for i in range(candidates.shape[0]):
        for c in range(candidates.shape[1]):
            for q in range(width):
                out[i, c * width + q] = table[candidates[i, c], q] if candidates[i, c] >= 0 else np.float32(0.0)


def without_candidates(observation: Any, core: BatchCore) -> Any:
    """Return the part of an observation that agents are given; it shares memory with the whole."""
    if core.config.candidates is None:
        return observation
    if isinstance(observation, Mapping):
        return {name: column for name, column in observation.items() if name not in CANDIDATE_PART}
    return observation[:, : core.state.visible.shape[1]]


def first_row(observation: NDArray[Any] | Mapping[str, NDArray[Any]]) -> Any:
    """Return the observation of a batch of one without its batch axis."""
    if isinstance(observation, Mapping):
        return {name: column[0] for name, column in observation.items()}
    return observation[0]
