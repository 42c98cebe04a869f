"""The truth that an off-policy estimate is compared with: the world knows what every item would have brought."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from recenv.envs.vector import RecSysVectorEnv
from recenv.feedback.rollout import rollout
from recenv.protocol import Policy


class Truth(NamedTuple):
    """A value and how well the simulation knows it."""

    value: float
    std_error: float
    """Clustered by session."""


def one_step_truth(
    env: RecSysVectorEnv,
    logging_policy: Any,
    targets: Mapping[str, Policy],
    *,
    rounds: int = 1,
    seed: int = 0,
    users: NDArray[np.integer] | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> dict[str, Truth]:
    """Return the mean reward of one decision of each target, in the states as the logging policy meets them.

    At every step of the logging policy's sessions, sum_a pi(a | request) * Y(a), where Y(a) is the exact response to
    item a under this step's noise. The estimand is `one_step`, the one that bandit estimators have.

    Parameters
    ----------
    env
        The environment of the log; use a `seed` that the log does not.
    logging_policy
        The policy that made the log.
    targets
        Name -> policy.
    rounds, seed, users, progress
        As in `recenv.feedback.collect`.

    Raises
    ------
    ValueError
        If the environment shows slates: what an item brings there depends on the others.
    """
    if env.config.slate_size != 1:
        raise ValueError(f"one_step_truth() is of one item a step; slate_size is {env.config.slate_size}")
    totals = {name: np.zeros((rounds, env.num_envs)) for name in targets}
    lengths = np.zeros((rounds, env.num_envs))
    for r in range(rounds):
        before = _Before(env)
        for step in rollout(before, logging_policy, seed=seed + r * env.num_envs, users=users):
            lengths[r] += step.alive
            for name, target in targets.items():
                offered = step.request.candidates
                rewards = np.take_along_axis(before.rewards, np.maximum(offered, 0), axis=1)
                expected = (target.probabilities(step.request) * np.where(offered >= 0, rewards, 0.0)).sum(1)
                totals[name][r] += np.where(step.alive, expected, 0.0)
        if progress is not None:
            progress(r + 1, rounds)
    return {name: _ratio(total.ravel(), lengths.ravel()) for name, total in totals.items()}


class _Before:
    """The environment, remembering what every item would have brought just before the step."""

    def __init__(self, env: RecSysVectorEnv) -> None:
        self.env = env
        self.num_envs = env.num_envs
        self.rewards = np.zeros((0, 0))

    def __getattr__(self, name: str) -> Any:
        return getattr(self.env, name)

    def step(self, actions: Any) -> Any:
        self.rewards = self.env.potential_rewards()
        return self.env.step(actions)


def _ratio(total: NDArray[np.float64], length: NDArray[np.float64]) -> Truth:
    """Return sum(total) / sum(length) with the standard error of a ratio over sessions."""
    value = float(total.sum() / length.sum())
    residual = total - value * length
    n = len(total)
    spread = np.sqrt((residual**2).sum() / max(n - 1, 1) / n) / length.mean()
    return Truth(value, float(spread))
