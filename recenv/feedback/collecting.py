"""Collect a log: let a policy serve the users of a world, and write down every decision with its probability."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recenv._version import __version__
from recenv.data.fingerprint import overlap
from recenv.feedback.confounded import ORACLE, ConfoundedPolicy
from recenv.feedback.logged_feedback import LoggedFeedback
from recenv.feedback.rollout import Step, rollout

SLATE_PROPENSITIES = ("propensity_position", "propensity_prefix")
"""Entries (B, K) of `Decision.extra` that are columns of a log of slates."""


def collect(
    env: Any,
    policy: Any,
    *,
    rounds: int = 1,
    seed: int = 0,
    users: NDArray[np.integer] | None = None,
    explore: bool = True,
    policy_name: str | None = None,
    allow_overlap: bool = False,
    confounding: float = 0.0,
    progress: Callable[[int, int], None] | None = None,
) -> LoggedFeedback:
    """Return the log of `rounds` sessions in every slot of an environment, one row a shown item.

    Parameters
    ----------
    env
        `RecSysVectorEnv` (or a single `RecSysEnv`, which is made a vector of one).
    policy
        An agent, or an object with `probabilities(request)`. It is not updated.
    rounds, seed
        Round r has the seed `seed + r * B`, so that no two sessions share their noise.
    users
        (B,) who is in each slot, in every round; None draws them.
    explore
        Whether the agent explores; a log without exploration supports few other policies.
    policy_name
        For the metadata; None takes the class name.
    allow_overlap
        Collect even if the policy was made from ratings that this world replays.
    confounding
        c: the policy also sees the hidden mood, as c * tanh(mood) * comfort[a] in its logits. `propensity` stays the
        nominal one, the policy's own probability given the observation; the one given the mood is kept apart in
        `propensity_oracle`, which no estimator reads. Above 0, nominal propensities are wrong by design.
    progress
        Called with (rounds done, rounds).

    Raises
    ------
    ValueError
        If the policy was made from ratings that this world replays, or gives no usable probability.

    Notes
    -----
    A slate has a row for each shown item, and the reward of its own position (satisfaction, or a function of the whole
    slate, at the first); `propensity` is that of the whole slate in each of them. `Decision.extra` may hold
    "propensity_position" and "propensity_prefix", (B, K) each, which become columns.
    """
    env = env.unwrapped.vectorised() if hasattr(env.unwrapped, "vectorised") else env
    if env.config.slate_size != 1 and confounding:
        raise ValueError(f"confounding tilts the choice of one item a step; slate_size is {env.config.slate_size}")
    name = policy_name or type(policy).__name__
    if not allow_overlap:
        refuse_training_pairs(env.world, policy, name, env.config.feedback)
    acting = ConfoundedPolicy(policy, env, confounding) if confounding else policy
    parts = []
    for r in range(rounds):
        for step in rollout(env, acting, seed=seed + r * env.num_envs, users=users, explore=explore):
            parts.append(_rows(step, env, name, first_episode=r * env.num_envs))
        if progress is not None:
            progress(r + 1, rounds)
    meta = {
        "world": env.world.name,
        "policy": name,
        "seed": seed,
        "rounds": rounds,
        "horizon": env.config.horizon,
        "reward": env.config.reward if isinstance(env.config.reward, str) else "custom",
        "feedback": env.config.feedback,
        "repeat": env.config.repeat,
        "slate_size": env.config.slate_size,
        "candidates": env.config.candidates,
        "users": env.config.users,
        "items": env.config.items,
        "confounding": float(confounding),
        "recenv": __version__,
    }
    columns = {key: np.concatenate([part[key] for part in parts]) for key in parts[0]}
    observation = {key[12:]: columns.pop(key) for key in list(columns) if key.startswith("observation.")}
    following = {key[17:]: columns.pop(key) for key in list(columns) if key.startswith("next_observation.")}
    return LoggedFeedback(
        **columns,  # type: ignore[arg-type]
        observation=observation,
        next_observation=following,
        n_items=env.world.n_items,
        meta=meta,
    )


def refuse_training_pairs(world: Any, policy: Any, name: str, feedback: str) -> None:
    """Refuse a policy whose training ratings this world replays: it would be tested on what it was made from.

    Raises
    ------
    ValueError
        With the share of the overlap and the remedy.
    """
    trained_on = getattr(policy, "trained_on", ())
    if not trained_on or feedback != "hybrid" or world.is_held_out():
        return
    share = overlap(trained_on, world.fingerprints.get("first", ()))
    if share > 0:
        raise ValueError(
            f"policy {name!r} was made from ratings that world {world.name!r} replays (about {share:.0%} of them): use "
            "world.held_out(), which replays only the second part of the log, or pass allow_overlap=True"
        )


def _rows(step: Step, env: Any, name: str, *, first_episode: int) -> dict[str, NDArray[Any]]:
    """Return the rows of the slots that are still in their session: one a shown item, from the top position down."""
    probability = np.asarray(step.decision.probability, np.float64)
    if np.any(np.isnan(probability[step.alive])):
        raise ValueError(
            f"policy {name!r} returned probability NaN: its log could not be used for evaluation; let act() return the "
            "probability of the chosen item"
        )
    items = np.asarray(step.decision.items)
    slot, place = np.nonzero(step.alive[:, None] & (items >= 0))
    users = step.request.users if step.request.users is not None else np.arange(len(items))
    columns = {
        "episode": first_episode + slot,
        "step": np.full(len(slot), step.number),
        "position": place,
        "user": users[slot],
        "item": items[slot, place],
        "reward": env.position_rewards()[slot, place],
        "propensity": probability[slot],
        "terminated": step.terminated[slot],
        "truncated": step.truncated[slot],
    }
    if env.config.candidates is not None:
        columns["candidates"] = step.request.candidates[slot]
    for column in (*SLATE_PROPENSITIES, ORACLE):
        if column in step.decision.extra:
            values = np.asarray(step.decision.extra[column], np.float64)
            columns[column] = values[slot, place] if column in SLATE_PROPENSITIES else values[slot]
    for prefix, observation in (("observation", step.request.observation), ("next_observation", step.next_observation)):
        named = observation if isinstance(observation, Mapping) else {"features": observation}
        columns |= {f"{prefix}.{key}": value[slot] for key, value in named.items()}
    return columns
