"""Decisions whose randomness is addressed like the world's: the same for a user alone, in any batch and any order."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recenv.causal.noise import uniform_pair
from recenv.envs.core import BatchCore
from recenv.envs.observation import observe_session
from recenv.envs.query_checks import checked_items
from recenv.protocol import Policy, Request

KEYED_POLICY = np.uint32(16)
"""Noise channel of the decisions of policies in queries."""


def is_policy(value: Any) -> bool:
    """Say whether something decides by itself: has `act` or `probabilities`."""
    return hasattr(value, "act") or isinstance(value, Policy)


def decide_keyed(policy: Any, core: BatchCore, rows: NDArray[np.integer]) -> NDArray[np.int64]:
    """Return (n, K) what a policy shows in the slots `rows` (n,).

    One item is drawn from `probabilities` at the uniform of address (seed, episode; user, step). A slate, or a policy
    that can only `act`, is asked for one user at a time, with a generator seeded by that address.

    Raises
    ------
    ValueError
        If the policy answers with another shape, or with an item that is not in the catalogue.
    """
    slate = core.config.slate_size
    whole = observe_session(core)
    if slate == 1 and isinstance(policy, Policy):
        return _drawn(policy.probabilities(_request(core, whole, rows)), core, rows)
    items = np.empty((len(rows), slate), np.int64)
    for j, i in enumerate(rows):
        rng = np.random.default_rng([*_address(core, i), int(KEYED_POLICY)])
        decision = policy.act(_request(core, whole, rows[j : j + 1]), rng=rng)
        answer = np.asarray(decision.items)
        if answer.shape != (1, slate):
            raise ValueError(f"the policy must choose items of shape (1, {slate}), got {answer.shape}")
        items[j] = answer[0]
    return checked_items(items[:, None], core.world.n_items)[:, 0]


def _drawn(probabilities: Any, core: BatchCore, rows: NDArray[np.integer]) -> NDArray[np.int64]:
    table, candidates = np.asarray(probabilities, np.float64), core.candidates()[rows]
    if table.shape != candidates.shape:
        raise ValueError(f"the policy's probabilities must have shape {candidates.shape}, got {table.shape}")
    if not np.all(table >= 0) or not np.all(np.abs(table.sum(1) - 1.0) < 1e-6):
        bad = int(np.flatnonzero(~((table >= 0).all(1) & (np.abs(table.sum(1) - 1.0) < 1e-6)))[0])
        raise ValueError(f"the policy's probabilities of user {rows[bad]} must be 0 or more and sum to 1")
    u = np.array([_uniform(core, i) for i in rows])
    cumulative = np.cumsum(table, axis=1)
    # Below the last sum, which is 1 up to rounding: a candidate with probability 0 is never taken.
    place = (cumulative <= (u * cumulative[:, -1])[:, None]).sum(1)
    return candidates[np.arange(len(rows)), place][:, None]


def _request(core: BatchCore, observation: Any, rows: NDArray[np.integer]) -> Request:
    seen = (
        {name: column[rows] for name, column in observation.items()}
        if isinstance(observation, Mapping)
        else observation[rows]
    )
    return Request(seen, core.candidates()[rows], core.config.slate_size, core.state.user[rows])


def _address(core: BatchCore, i: int) -> list[int]:
    slot = core.state.slot[i]
    return [int(slot["seed"]), int(slot["episode"]), int(slot["user"]), int(slot["step"])]


def _uniform(core: BatchCore, i: int) -> float:
    seed, episode, user, step = _address(core, i)
    found: float = uniform_pair(np.uint32(seed), np.uint32(episode), user, step, 0, KEYED_POLICY)[0]
    return found
