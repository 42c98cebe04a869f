"""Whole sessions under common noise: what an agent is worth to the users, comparable row by row between agents."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from recenv.batching import config_of
from recenv.envs.actions import filled_slates
from recenv.envs.config import EnvConfig
from recenv.envs.pools import participants
from recenv.envs.vector import RecSysVectorEnv
from recenv.feedback.rollout import decide
from recenv.protocol import Decision, Feedback, Request

USERS_AT_ONCE = 1024
"""Users that run in one batch; the result does not depend on it, unless an agent draws."""


class Sessions(NamedTuple):
    """Sessions of users; the same rows for every agent that was given the same users and seed."""

    user: NDArray[np.int64]
    """(S,) user ids."""
    reward: NDArray[np.float64]
    """(S,) total reward of the session."""
    length: NDArray[np.int64]
    """(S,) steps of the session."""

    @property
    def session_reward(self) -> float:
        """Mean total of a session."""
        return float(self.reward.mean())

    @property
    def step_reward(self) -> float:
        """Mean reward of a step of the users that are still there."""
        return float(self.reward.sum() / max(self.length.sum(), 1))

    def for_report(self) -> dict[str, float]:
        """Return value, a normal 95% interval (low, high; by user), mean_length and step_reward."""
        _, row = np.unique(self.user, return_inverse=True)
        by_user = np.bincount(row, weights=self.reward) / np.bincount(row)
        value = float(by_user.mean())
        half = 1.96 * float(by_user.std(ddof=1)) / math.sqrt(len(by_user)) if len(by_user) > 1 else math.inf
        return {
            "value": value,
            "low": value - half,
            "high": value + half,
            "mean_length": float(self.length.mean()),
            "step_reward": self.step_reward,
        }


def evaluate_sessions(
    agent: Any,
    env: Any,
    users: Sequence[int] | NDArray[np.integer] | None = None,
    *,
    rounds: int = 1,
    seed: int = 0,
    explore: bool = False,
    progress: Callable[[int, int], None] | None = None,
) -> Sessions:
    """Run `rounds` sessions of every user; agents that are given the same seed meet the same noise.

    Parameters
    ----------
    agent
        Its `act` is asked, or its `probabilities` where that is all it has.
    env
        An `EnvConfig`, or an environment whose configuration is used; it is not stepped itself.
    users
        User ids; None is all that the configuration's pool has.
    rounds
        Sessions of each user, under fresh transient noise; opinions of a user on an item stay.
    seed
        Session number i plays the episode (seed + i, 0), however many run at once; exploration draws from a generator
        made from it.
    explore
        Whether the agent explores; greedy by default. The value of a policy that is asked for probabilities is that of
        exploring.

    Raises
    ------
    ValueError
        If there is no user, or `rounds` is below 1.
    """
    config = config_of(env)
    if rounds < 1:
        raise ValueError(f"rounds must be 1 or more, got {rounds}")
    ids = participants(config) if users is None else np.asarray(users, np.int64)
    if not len(ids):
        raise ValueError("users is empty: give at least one user id, or None for all of them")
    everyone = np.tile(ids, rounds)
    rng = np.random.default_rng([seed, 0x5E55])
    parts = []
    for first in range(0, len(everyone), USERS_AT_ONCE):
        group = everyone[first : first + USERS_AT_ONCE]
        parts.append(_run_group(agent, config, group, seed + first, explore, rng))
        if progress is not None:
            progress(first + len(group), len(everyone))
    reward, length = (np.concatenate(column) for column in zip(*parts, strict=True))
    return Sessions(everyone, reward, length)


def _run_group(
    agent: Any, config: EnvConfig, users: NDArray[np.int64], seed: int, explore: bool, rng: np.random.Generator
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Return (B,) total reward and length of one session of each user; users who are gone are not decided for."""
    env = RecSysVectorEnv(len(users), config)
    observation, _ = env.reset(seed=seed, options={"users": users})
    reward, length = np.zeros(len(users)), np.zeros(len(users), np.int64)
    alive = np.ones(len(users), bool)
    while alive.any():
        rows = np.flatnonzero(alive)
        decision = decide(agent, request_rows(env.request(observation), rows), rng, explore)
        chosen = env.actions_of(np.asarray(decision.items), rows)
        actions = np.zeros((len(users), *chosen.shape[1:]), np.int64)
        actions[rows] = chosen
        observation, gained, terminated, truncated, _ = env.step(actions)
        reward[rows] += gained[rows]
        length[rows] += 1
        alive &= ~(terminated | truncated)
    return reward, length


def env_actions(decision: Decision) -> NDArray[np.int64]:
    """Return the action of a decision where actions are item ids: (B,), or (B, K).

    An empty position inside a slate becomes a repeat of the first item, which the environment shows as empty. An
    environment's own `actions_of(items)` does the same, and knows candidate sets.

    Raises
    ------
    ValueError
        If a user is shown nothing at all.
    """
    filled = filled_slates(np.asarray(decision.items))
    return filled[:, 0] if filled.shape[1] == 1 else filled


def request_rows(request: Request, rows: NDArray[Any]) -> Request:
    """Return the request of some of the users."""
    observation = request.observation
    if isinstance(observation, np.ndarray):
        chosen: Any = observation[rows]
    else:
        chosen = {name: column[rows] for name, column in observation.items()}
    users = None if request.users is None else request.users[rows]
    return Request(chosen, request.candidates[rows], request.slate_size, users)


def feedback_rows(feedback: Feedback, rows: NDArray[Any]) -> Feedback:
    """Return the feedback of some of the users; `extra` of the decision is left out."""
    return Feedback(
        request_rows(feedback.request, rows),
        Decision(feedback.decision.items[rows], feedback.decision.probability[rows]),
        feedback.reward[rows],
        request_rows(feedback.next_request, rows),
        feedback.terminated[rows],
        feedback.truncated[rows],
        None if feedback.outcome is None else {name: column[rows] for name, column in feedback.outcome.items()},
    )
