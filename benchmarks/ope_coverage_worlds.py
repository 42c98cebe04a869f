"""Logs of simulated worlds for `ope_coverage`: users who return, states that move, leave and are partly hidden.

A log has 200 sessions of at most five steps from a world of 2,000 users and 20 items. Both policies weigh items by
their own function of the observation, kept within bounds, so that the largest weight is known beforehand. The truth is
the one-step value over all users of the world under fresh noise: its own error is a twentieth of an estimate's.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recenv import World, collect
from recenv.envs import RecSysVectorEnv
from recenv.envs.truth import one_step_truth
from recenv.ope import BanditTerms, BilinearRidge
from recenv.protocol import Request

SESSIONS, HORIZON, USERS, ITEMS, TRUTH_SESSIONS, SEED = 200, 5, 2_000, 20, 40_000, 6
SHARPNESS = 0.3
RANGES = {"rating": (1.0, 5.0), "click": (0.0, 1.0)}
WORLDS = {
    "world, plain": ("off", "rating"),
    "world, dynamics": (None, "rating"),
    "world, clicks": (None, "click"),
}
"""Name -> behaviour (None is the default: all mechanisms on) and reward."""


class Bounded:
    """Probabilities in proportion to exp(sharpness * tanh(observation @ taste))."""

    def __init__(self, seed: int, sharpness: float = SHARPNESS) -> None:
        self.seed, self.sharpness = seed, sharpness
        self.taste: NDArray[np.float64] | None = None

    def probabilities(self, request: Request) -> NDArray[np.float64]:
        """Return (B, C)."""
        observation = np.asarray(request.observation, dtype=np.float64)
        if self.taste is None:
            self.taste = np.random.default_rng(self.seed).normal(size=(observation.shape[1], ITEMS))
        score = np.exp(self.sharpness * np.tanh(observation @ self.taste))
        score = np.take_along_axis(score, request.candidates, axis=1)
        return np.asarray(score / score.sum(axis=1, keepdims=True))


@dataclass(frozen=True, eq=False)
class Simulated:
    """A world, its policies and their truth."""

    env: RecSysVectorEnv
    logging: Bounded
    target: Bounded
    value: float
    """The target's one-step value."""
    ess_share: float
    """1 / E[w^2], over a large log."""
    reward_range: tuple[float, float]

    @property
    def weight_max(self) -> float:
        """A bound of all weights: each of four factors is within exp(sharpness)."""
        return float(np.exp(2 * (self.logging.sharpness + self.target.sharpness)))

    def draw(self, rng: np.random.Generator) -> BanditTerms:
        """Return the terms of one log, with a reward model fitted in two folds of users."""
        log = collect(self.env, self.logging, seed=int(rng.integers(2**31)))
        context, rows = np.asarray(log.observation["features"], np.float64), np.arange(log.rows)
        wanted = self.target.probabilities(log.request())
        fold = rng.integers(2, size=USERS)[log.user]
        model, every = np.empty((log.rows, ITEMS)), np.arange(ITEMS)
        for number in (0, 1):
            here = fold == number
            fitted = BilinearRidge().fit(context[~here], log.item[~here], log.reward[~here])
            model[here] = fitted.predict_all(context[here], np.broadcast_to(every, (here.sum(), ITEMS)))
        return BanditTerms(
            reward=log.reward,
            propensity=log.propensity,
            target=wanted[rows, log.item],
            q_logged=model[rows, log.item],
            q_target=np.clip(np.einsum("na,na->n", wanted, model), *self.reward_range),
            cluster=log.user,
            fold=fold,
            reward_range=self.reward_range,
            weight_max=self.weight_max,
        )


def simulated(name: str, *, quick: bool) -> Simulated:
    """Return one of `WORLDS` with its truth."""
    behaviour, reward = WORLDS[name]
    world = World.synthetic(SEED, users=USERS, items=ITEMS)
    options: dict[str, Any] = {"world": world, "horizon": HORIZON, "repeat": True, "feedback": "simulated"}
    options |= {"reward": reward} | ({} if behaviour is None else {"behaviour": behaviour})
    logging, target = Bounded(1), Bounded(2)
    whole, users = RecSysVectorEnv(USERS, **options), np.arange(USERS)
    rounds = 5 if quick else TRUTH_SESSIONS // USERS
    truth = one_step_truth(whole, logging, {"target": target}, rounds=rounds, seed=2**32, users=users)["target"]
    log = collect(whole, logging, seed=2**33, users=users)
    weight = target.probabilities(log.request())[np.arange(log.rows), log.item] / log.propensity
    share = float(1 / (weight**2).mean())
    return Simulated(RecSysVectorEnv(SESSIONS, **options), logging, target, truth.value, share, RANGES[reward])
