"""Fitted Q evaluation: what a policy earns in the steps to go, learned from logged transitions."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from recenv.feedback.logged_feedback import LoggedFeedback
from recenv.ope.ask_policy import ask
from recenv.ope.context import context
from recenv.ope.episode_states import NOWHERE, episode_states
from recenv.ope.reward_models import ModelFactory, RewardModel
from recenv.ope.trajectory_grid import layout
from recenv.protocol import Policy

CELLS = 4_000_000
"""States times items asked at once: 32 MB of probabilities, and as much of predictions."""


@dataclass(frozen=True, eq=False)
class FittedQ:
    """Models of a policy's value by fold and by steps to go; no user is predicted by a model that has seen it."""

    users: NDArray[np.int64]
    """(U,) sorted user ids."""
    fold: NDArray[np.int64]
    """(U,) fold of each."""
    models: tuple[tuple[RewardModel, ...], ...]
    """models[f][h - 1] predicts the discounted reward of an item now and h - 1 steps of the policy after it."""
    gamma: float
    """Discount."""

    @property
    def horizon(self) -> int:
        """T, the steps from the first on."""
        return len(self.models[0])

    def fold_of(self, user: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the fold (n,) of each row's user; users that were not sampled for the fit count as fold 0."""
        place = np.minimum(np.searchsorted(self.users, user), len(self.users) - 1)
        return np.where(self.users[place] == user, self.fold[place], 0)

    def q_all(self, block: LoggedFeedback, candidates: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return the value (n, C) of every candidate at each row's own step; 0 from the horizon on."""
        observation, result = context(block.observation, block.rows), np.zeros(candidates.shape)
        fold, to_go = self.fold_of(block.user), self.horizon - block.step
        for number, models in enumerate(self.models):
            for steps in np.unique(to_go[(fold == number) & (to_go > 0)]):
                rows = np.flatnonzero((fold == number) & (to_go == steps))
                result[rows] = models[steps - 1].predict_all(observation[rows], _take(candidates, rows))
        return result


def fit_q(
    feedback: LoggedFeedback,
    policy: Policy,
    factory: ModelFactory,
    *,
    horizon: int,
    gamma: float = 1.0,
    folds: int = 3,
    seed: int = 0,
    name: str = "target",
) -> FittedQ:
    """Fit Q_h, h = 1..T, the value of an item with h steps to go, without the users of each fold in turn.

        Q_h(x, a) = E[r + gamma V_{h-1}(x') | x, a],  V_h(x) = sum_a policy(a | x) Q_h(x, a),  V_0 = 0

    Nothing follows a termination. A truncated session goes on: the value is bootstrapped from the observation after
    it, and where that was not logged the row teaches Q_1 only. All steps of the log teach every Q_h, so the dynamics
    are assumed to depend on the observation and not on the step as such. The policy is asked in blocks of at most 4
    million probabilities. Reference: Le, Voloshin and Yue (2019); Ernst, Geurts and Wehenkel (2005).

    Raises
    ------
    ValueError
        If the horizon is below 1, gamma outside [0, 1], there are fewer users than folds, or an episode has a gap.
    """
    users = np.unique(feedback.user)
    if horizon < 1:
        raise ValueError(f"horizon must be at least 1, not {horizon}")
    if not 0 <= gamma <= 1:
        raise ValueError(f"gamma must be in [0, 1], not {gamma}")
    if not 1 <= folds <= len(users):
        raise ValueError(f"folds must be from 1 to the number of users {len(users)}, not {folds}")
    layout(feedback.episode, feedback.step)  # refuses gaps: a row's next row must be its next step
    fold = np.random.default_rng(seed).permutation(len(users)) % folds
    seen = [(fold != number) | (folds == 1) for number in range(folds)]
    place = np.searchsorted(users, feedback.user)
    rows = [np.flatnonzero(mask[place]) for mask in seen]
    return FittedQ(users, fold, _backward(feedback, rows, policy, factory, horizon, gamma, name), gamma)


def _backward(
    feedback: LoggedFeedback,
    rows: list[NDArray[np.int64]],
    policy: Policy,
    factory: ModelFactory,
    horizon: int,
    gamma: float,
    name: str,
) -> tuple[tuple[RewardModel, ...], ...]:
    """Fit from the last step back; every fold, of which `rows` says what it may see, has its own values."""
    states = episode_states(feedback)
    observation = context(feedback.observation, feedback.rows)
    if horizon > 1 and states.unknown.all():
        raise ValueError("no row says what follows it: log next_observation, or more than one step an episode")
    asked = np.unique(states.follows[states.follows != NOWHERE])
    models: list[list[RewardModel]] = [[] for _ in rows]
    value = np.zeros((len(rows), states.log.rows))
    for steps in range(1, horizon + 1):
        for fold, mine in enumerate(rows):
            used = mine if steps == 1 else mine[~states.unknown[mine]]
            after = np.where(states.follows[used] == NOWHERE, 0.0, value[fold, states.follows[used]])
            goal = feedback.reward[used] + gamma * after
            models[fold].append(factory().fit(observation[used], feedback.item[used], goal))
        if steps < horizon:
            value = _values(states.log, asked, policy, [own[-1] for own in models], name)
    return tuple(tuple(own) for own in models)


def _values(
    log: LoggedFeedback, asked: NDArray[np.int64], policy: Policy, models: list[RewardModel], name: str
) -> NDArray[np.float64]:
    """Return the policy's value by each model in the rows `asked`, 0 elsewhere, (F, S)."""
    result, size = np.zeros((len(models), log.rows)), max(1, CELLS // max(log.n_items, 1))
    for start in range(0, len(asked), size):
        rows = asked[start : start + size]
        request = log.request(rows)
        answer = ask(name, policy, request, int(rows[0]))
        observation = context({key: array[rows] for key, array in log.observation.items()}, len(rows))
        for number, model in enumerate(models):
            prediction = model.predict_all(observation, request.candidates)
            result[number, rows] = np.einsum("bc,bc->b", answer, prediction, dtype=np.float64)
    return result


def _take(candidates: NDArray[np.int64], rows: NDArray[np.int64]) -> NDArray[np.int64]:
    if candidates.strides[0] == 0:  # a view that repeats one row stays one
        return np.broadcast_to(candidates[0], (len(rows), candidates.shape[1]))
    return candidates[rows]
