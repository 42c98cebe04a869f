"""The truth that an off-policy estimate is compared with: the world knows what every item would have brought."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from recenv.envs.actions import actions_of, items_of
from recenv.envs.vector import RecSysVectorEnv
from recenv.feedback.rollout import Step, decide, rollout
from recenv.protocol import Policy

TARGET_DRAWS = 41
"""Stream of the generators that draw the targets' slates."""


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
    draws: int = 4,
    progress: Callable[[int, int], None] | None = None,
) -> dict[str, Truth]:
    """Return the mean reward of one decision of each target, in the states as the logging policy meets them.

    At every step of the logging policy's sessions: of single items sum_a pi(a | request) * Y(a), where Y(a) is the
    exact response to item a under this step's noise; of slates the mean response to `draws` slates of the target, each
    shown in a branch of the session, since what an item brings depends on the others. The estimand is `one_step`, the
    one that bandit and slate estimators have.

    Parameters
    ----------
    env
        The environment of the log; use a `seed` that the log does not.
    logging_policy
        The policy that made the log.
    targets
        Name -> policy; of slates also agents, which are asked to `act`.
    rounds, seed, users, progress
        As in `recenv.feedback.collect`.
    draws
        Slates of each target at each step; single items need none.

    Raises
    ------
    ValueError
        If `draws` is below 1.
    """
    if draws < 1:
        raise ValueError(f"draws must be at least 1, not {draws}: each is one slate of every target at every step")
    before = _BeforeItems(env) if env.config.slate_size == 1 else _BeforeSlates(env, draws)
    totals = {name: np.zeros((rounds, env.num_envs)) for name in targets}
    lengths = np.zeros((rounds, env.num_envs))
    for r in range(rounds):
        start = seed + r * env.num_envs
        # Of each target its own, with the same start: its truth does not depend on which others are asked.
        rngs = {name: np.random.default_rng([start, TARGET_DRAWS]) for name in targets}
        for step in rollout(before, logging_policy, seed=start, users=users):
            lengths[r] += step.alive
            for name, target in targets.items():
                totals[name][r] += np.where(step.alive, before.expected(target, step, rngs[name]), 0.0)
        if progress is not None:
            progress(r + 1, rounds)
    return {name: _ratio(total.ravel(), lengths.ravel()) for name, total in totals.items()}


class _Before:
    """The environment, remembering how things stood just before the step."""

    def __init__(self, env: RecSysVectorEnv) -> None:
        self.env = env
        self.num_envs = env.num_envs

    def __getattr__(self, name: str) -> Any:
        return getattr(self.env, name)

    def step(self, actions: Any) -> Any:
        self.remember()
        return self.env.step(actions)

    def remember(self) -> None:
        raise NotImplementedError

    def expected(self, target: Any, step: Step, rng: np.random.Generator) -> NDArray[np.float64]:
        """Return (B,) what the target's decision would have brought; anything where the session is over."""
        raise NotImplementedError


class _BeforeItems(_Before):
    """What every item would have brought."""

    def remember(self) -> None:
        self.rewards = self.env.potential_rewards()

    def expected(self, target: Any, step: Step, rng: np.random.Generator) -> NDArray[np.float64]:
        offered = step.request.candidates
        rewards = np.take_along_axis(self.rewards, np.maximum(offered, 0), axis=1)
        value: NDArray[np.float64] = (target.probabilities(step.request) * np.where(offered >= 0, rewards, 0.0)).sum(1)
        return value


class _BeforeSlates(_Before):
    """A branch of every session, to show slates in."""

    def __init__(self, env: RecSysVectorEnv, draws: int) -> None:
        super().__init__(env)
        self.draws = draws

    def remember(self) -> None:
        self.branch = self.env.core.branch()
        self.state = self.branch.get_state()

    def expected(self, target: Any, step: Step, rng: np.random.Generator) -> NDArray[np.float64]:
        total = np.zeros(self.num_envs)
        for _ in range(self.draws):
            self.branch.set_state(self.state)
            slates = decide(target, step.request, rng).items
            self.branch.step(items_of(self.branch, actions_of(self.branch, slates)), step.alive)
            total += self.branch.out.reward
        return total / self.draws


def _ratio(total: NDArray[np.float64], length: NDArray[np.float64]) -> Truth:
    """Return sum(total) / sum(length) with the standard error of a ratio over sessions."""
    value = float(total.sum() / length.sum())
    residual = total - value * length
    n = len(total)
    spread = np.sqrt((residual**2).sum() / max(n - 1, 1) / n) / length.mean()
    return Truth(value, float(spread))
