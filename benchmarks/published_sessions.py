"""Which family of sequential estimators wins when, as in Voloshin et al. (2021), `voloshin2021empirical`.

The guidelines of that study (COBS): with a long horizon or policies far apart, importance weighting fails and a value
model wins; with a short horizon and policies close to each other it holds its own; where the model is wrong, the
doubly robust kinds are the ones to take as long as the weights are bearable, and nothing helps beyond. Here: a ring of
eight states and two items, rewards with noise, sessions of 4, 16 and 64 steps; the value model is a table, fitted by
backward induction in two folds, of the states (right) or of pairs of states that it cannot tell apart (wrong).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from published_part import Part
from result_table import Row

from recenv.ope import TrajectoryTerms, estimate

REPLICATES, QUICK, SESSIONS, SEED = 200, 30, 500, 8
STATES, ITEMS = 8, 2
HORIZONS, FAR = (4, 16, 64), {"close": 0.6, "far": 0.9}
"""The target takes item 1 with this probability, the logging policy with half."""
FAMILIES = {
    "weights": ("pdis", "snpdis"),
    "model": ("fqe",),
    "both": ("sequential_dr", "wdr", "magic"),
}
ESTIMATORS = tuple(name for family in FAMILIES.values() for name in family)
Matrix = NDArray[np.float64]
_RNG = np.random.default_rng(SEED)
_REWARD = _RNG.normal(size=(STATES, ITEMS))
_FORWARD = np.stack([_RNG.uniform(0.2, 0.5, STATES), _RNG.uniform(0.5, 0.9, STATES)], axis=1)
"""(S, A) chance to move on along the ring; else back."""


class Setting(NamedTuple):
    """One cell of the study."""

    horizon: int
    distance: str
    model: str

    @property
    def target(self) -> Matrix:
        """(A,) the target's probabilities, in every state."""
        return np.array([1 - FAR[self.distance], FAR[self.distance]])


def compare(*, quick: bool) -> Part:
    """Return the error of every estimator in every setting."""
    lines, rows = [], []
    settings = [Setting(t, far, model) for t in HORIZONS for far in FAR for model in ("right", "wrong")]
    for number, setting in enumerate(settings):
        rng = np.random.default_rng([SEED, number])
        truth = true_value(setting)
        values = np.array([_values(setting, rng) for _ in range(QUICK if quick else REPLICATES)])
        rmse = np.sqrt(((values - truth) ** 2).mean(axis=0)) / spread(setting)
        best = ESTIMATORS[int(rmse.argmin())]
        family = next(name for name, members in FAMILIES.items() if best in members)
        label = f"{setting.horizon} steps, {setting.distance}, model {setting.model}"
        lines.append([label, *(f"{one:.3g}" for one in rmse), f"{best} ({family})"])
        config = setting._asdict()
        rows += [
            Row(name, "relative_rmse", *([float(one)] * 3), "deviations", config)
            for name, one in zip(ESTIMATORS, rmse, strict=True)
        ]
    text = (
        f"Root mean squared error over {QUICK if quick else REPLICATES} logs of {SESSIONS} sessions, in standard "
        "deviations of a mean of so many sessions of the target itself: 1 is as good as asking the target."
    )
    return Part("Guidelines of COBS", text, ["setting", *ESTIMATORS, "best"], lines, rows)


def backward(setting: Setting) -> tuple[Matrix, Matrix]:
    """Return (T, S, A) and (T, S) the target's true values, step 0 first."""
    q, after = [], np.zeros(STATES)
    for _ in range(setting.horizon):
        ahead, behind = np.roll(after, -1), np.roll(after, 1)
        q.append(_REWARD + _FORWARD * ahead[:, None] + (1 - _FORWARD) * behind[:, None])
        after = q[-1] @ setting.target
    return np.array(q[::-1]), np.array(q[::-1]) @ setting.target


def true_value(setting: Setting) -> float:
    """Return the target's value from a uniform first state."""
    return float(backward(setting)[1][0].mean())


def spread(setting: Setting) -> float:
    """Return the standard error of the mean of so many sessions of the target, from a large sample of them."""
    rng = np.random.default_rng([SEED, setting.horizon])
    total = draw(setting.target, setting.horizon, 20_000, rng)[2].sum(axis=1)
    return float(total.std() / np.sqrt(SESSIONS))


def draw(
    policy: Matrix, horizon: int, sessions: int, rng: np.random.Generator
) -> tuple[NDArray[np.int64], NDArray[np.int64], Matrix]:
    """Return state, item and reward (n, T)."""
    state, item = np.empty((2, sessions, horizon), dtype=np.int64)
    now = rng.integers(STATES, size=sessions)
    for step in range(horizon):
        choice = (rng.random(sessions) < policy[1]).astype(np.int64)
        state[:, step], item[:, step] = now, choice
        now = (now + np.where(rng.random(sessions) < _FORWARD[now, choice], 1, -1)) % STATES
    return state, item, _REWARD[state, item] + rng.normal(size=state.shape)


def _values(setting: Setting, rng: np.random.Generator) -> list[float]:
    logging = np.array([1 - FAR[setting.distance] / 2, FAR[setting.distance] / 2])
    state, item, reward = draw(logging, setting.horizon, SESSIONS, rng)
    seen = state if setting.model == "right" else state // 2
    q_logged, q_target, fold = fitted_q(seen, item, reward, setting.target)
    terms = TrajectoryTerms(
        reward=reward,
        propensity=logging[item],
        target=setting.target[item],
        q_logged=q_logged,
        q_target=q_target,
        fold=fold,
    )
    return [estimate(name, terms).value for name in ESTIMATORS]


def fitted_q(
    state: NDArray[np.int64], item: NDArray[np.int64], reward: Matrix, target: Matrix
) -> tuple[Matrix, Matrix, NDArray[np.int64]]:
    """Return (n, T) values of the logged item and of the state, of tables fitted on the other half; and the halves.

    A table a step to go is shared by all steps of a session, as the world does not change with time.
    """
    sessions, horizon = state.shape
    q_logged, q_target = np.empty((2, sessions, horizon))
    fold = np.arange(sessions) % 2
    for number in (0, 1):
        seen, unseen = fold != number, fold == number
        after, pair = np.zeros(STATES), state[seen] * ITEMS + item[seen]
        for step in reversed(range(horizon)):
            end = horizon - 1 if step < horizon - 1 else horizon
            ahead = after[state[seen, 1:]] if step < horizon - 1 else np.zeros_like(reward[seen])
            goal, place = (reward[seen, :end] + ahead).ravel(), pair[:, :end].ravel()
            count = np.maximum(np.bincount(place, minlength=STATES * ITEMS), 1)
            q = (np.bincount(place, goal, STATES * ITEMS) / count).reshape(STATES, ITEMS)
            after = q @ target
            q_logged[unseen, step], q_target[unseen, step] = (
                q[state[unseen, step], item[unseen, step]],
                after[state[unseen, step]],
            )
    return q_logged, q_target, fold
