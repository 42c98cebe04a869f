"""Logs of a world, made again and again beside its truth: what `recenv.ope.reliability` replicates.

`replicating` is one member of an ensemble: a world, or a world with perturbed mechanisms. `indifferent` is the negative
control: a world in which it does not matter what is shown, so that all policies are worth the same.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from recenv.causal.behaviour import Behaviour
from recenv.causal.world import World
from recenv.envs.config import EnvConfig
from recenv.envs.truth import one_step_truth
from recenv.envs.vector import RecSysVectorEnv
from recenv.feedback.collecting import collect
from recenv.feedback.confounded import ConfoundedPolicy
from recenv.feedback.logged_feedback import LoggedFeedback
from recenv.protocol import Policy
from recenv.sessions import evaluate_sessions

Truths = Mapping[str, Mapping[str, tuple[float, float]]]
SEEDS = 2**31
"""Log seeds are drawn below it; those of the truth lie above, so that they share no noise."""


@dataclass(frozen=True, eq=False)
class Replicating:
    """A callable `(rng) -> (feedback, policies, truths)`; see `replicating`."""

    config: EnvConfig
    logging_policy: Any
    policies: Mapping[str, Policy]
    sessions: int
    confounding: float
    redraw: bool
    truths: Truths = field(repr=False)
    """Policy -> {"one_step": (value, std_error), "policy_value": ...}."""

    def __call__(self, rng: np.random.Generator) -> tuple[LoggedFeedback, Mapping[str, Policy], Truths]:
        """Return a fresh log of the same world, the policies and their truth."""
        config = self.config
        if self.redraw:
            world = dataclasses.replace(_world(config), seed=int(rng.integers(SEEDS)))
            config = dataclasses.replace(config, world=world)
        env = RecSysVectorEnv(self.sessions, config)
        log = collect(env, self.logging_policy, seed=int(rng.integers(SEEDS)), confounding=self.confounding)
        return log, self.policies, self.truths


def replicating(
    world: World,
    logging_policy: Any,
    policies: Mapping[str, Policy],
    *,
    sessions: int,
    horizon: int,
    reward: str = "rating",
    behaviour: Behaviour | str | None = None,
    confounding: float = 0.0,
    feedback: str = "hybrid",
    repeat: bool = False,
    truth_rounds: int = 5,
    seed: int = 0,
    progress: Callable[[int, int], None] | None = None,
) -> Replicating:
    """Return a callable that makes a fresh log of a world, for `recenv.ope.reliability`.

    A log has `sessions` sessions of users drawn at random; users and their opinions are those of the world, everything
    else is drawn anew. The truth is computed here, once, over all users of the world. Intervals by user speak of users
    that might have come: with many more sessions than users in the world they cover more often than they claim.

    Parameters
    ----------
    world
        A synthetic or fitted world, or a member of an ensemble.
    logging_policy
        Makes the log: has `act(request, rng=, explore=)` or `probabilities(request)`.
    policies
        Name -> policy to evaluate.
    sessions, horizon, reward, feedback, repeat
        Size of a log, and the fields of `EnvConfig`.
    behaviour
        Mechanism strengths in place of the world's; "off" switches them all off.
    confounding
        Strength with which the logging policy follows the hidden mood, see `collect`.
    truth_rounds
        Sessions of every user for the truth, by fresh noise.
    seed
        Of the truth.
    progress
        Called with (truths done, truths in all).

    Raises
    ------
    ValueError
        If `sessions` or `truth_rounds` is below 1, or the environment cannot be made.
    """
    for name, value in (("sessions", sessions), ("truth_rounds", truth_rounds)):
        if value < 1:
            raise ValueError(f"{name} must be 1 or more, got {value}")
    config = EnvConfig(world, feedback=feedback, reward=reward, horizon=horizon, repeat=repeat, behaviour=behaviour)
    truths = _truths(config, logging_policy, policies, confounding, truth_rounds, SEEDS + seed, progress)
    return Replicating(config, logging_policy, dict(policies), sessions, confounding, False, truths)


def indifferent(
    world: World,
    logging_policy: Any,
    policies: Mapping[str, Policy],
    *,
    sessions: int,
    horizon: int,
    reward: str = "rating",
    truth_rounds: int = 5,
    seed: int = 0,
) -> Replicating:
    """Return the negative control: as `replicating`, where what is shown does not matter.

    Items have no bias and no embedding, and all mechanisms are off; users still differ. The opinion noise is drawn anew
    in every replication: with opinions that stay, some items would by chance be better for the users at hand. So all
    policies have exactly the same value, and each winner that is declared is a false one.
    """
    blank = dataclasses.replace(
        world,
        name=f"{world.name}, indifferent",
        embedding=np.zeros_like(world.embedding),
        item_bias=np.zeros_like(world.item_bias),
    )
    config = EnvConfig(blank, feedback="simulated", reward=reward, horizon=horizon, behaviour="off")
    common = _truths(config, logging_policy, {"any": logging_policy}, 0.0, truth_rounds, SEEDS + seed, None)["any"]
    truths = dict.fromkeys(policies, common)
    return Replicating(config, logging_policy, dict(policies), sessions, 0.0, True, truths)


def _world(config: EnvConfig) -> World:
    if not isinstance(config.world, World):
        raise TypeError(f"world must be a World, not {type(config.world).__name__}: load it first")
    return config.world


def _truths(
    config: EnvConfig,
    logging_policy: Any,
    policies: Mapping[str, Policy],
    confounding: float,
    rounds: int,
    seed: int,
    progress: Callable[[int, int], None] | None,
) -> dict[str, dict[str, tuple[float, float]]]:
    """Return both truths of every policy, over all users of the world and under the same noise."""
    users = np.arange(_world(config).n_users)
    env = RecSysVectorEnv(len(users), config)
    acting = ConfoundedPolicy(logging_policy, env, confounding) if confounding else logging_policy
    one_step = one_step_truth(env, acting, policies, rounds=rounds, seed=seed, users=users)
    truths: dict[str, dict[str, tuple[float, float]]] = {}
    for done, (name, policy) in enumerate(policies.items()):
        found = evaluate_sessions(policy, config, users, rounds=rounds, seed=seed, explore=True).for_report()
        error = (found["high"] - found["low"]) / (2 * 1.96)
        truths[name] = {"one_step": one_step[name], "policy_value": (found["value"], error)}
        if progress is not None:
            progress(done + 1, len(policies))
    return truths
