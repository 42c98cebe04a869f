"""Worlds of known truth for `recovery`: how their logs are made, which policies are compared, what those are worth."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recenv import RatingsLog, World
from recenv.causal import Behaviour
from recenv.envs import RecSysVectorEnv

USERS, ITEMS, DIMS, TOPICS = 200, 80, 4, 5
HORIZON, SLATE, SESSIONS = 10, 3, 2
OPINIONS = 999_999
"""World seed of the opinions in which all policies are tried: no policy, and no fit, has met them in a log."""
EVERYTHING = Behaviour(
    funnel=1.0, confounding=1.0, drift=0.05, boredom=2.0, conformity=0.5, coupling=0.5, eta=1.0, tau_click=-0.5, h0=-2.0
)
"""Every mechanism on; users leave seldom enough for sessions to have a length."""

Scores = Callable[[int], NDArray[np.float64]]
"""Step -> (U, N) scores; a policy shows each user the best-scored items that it may show."""


def true_world(seed: int, **behaviour: float | str) -> World:
    """Return a synthetic world whose mechanisms are all on, but for the given ones."""
    world = World.synthetic(seed, users=USERS, items=ITEMS, dims=DIMS, topics=TOPICS)
    return dataclasses.replace(world, behaviour=dataclasses.replace(EVERYTHING, **behaviour))


def play_log(world: World, *, selected: bool, seed: int, sessions: int = 6, length: int = 5) -> RatingsLog:
    """Return what every user rated in short sessions, at most once an item.

    Uniform: items at random, each of them rated. Selected: items that the user likes are shown more often, only what is
    clicked is rated, and clicks share noise with opinions, so that ratings are not missing at random.
    """
    env = RecSysVectorEnv(
        USERS,
        world=world.do(funnel=1.0 if selected else 0.0, leaving=0.0),
        horizon=length,
        feedback="simulated",
        autoreset_mode="Disabled",
    )
    leaning = utilities(world) if selected else np.zeros((USERS, ITEMS))
    order = np.argsort(-(leaning + np.random.default_rng(seed).gumbel(size=leaning.shape)), axis=1)
    rows: list[tuple[NDArray[Any], ...]] = []
    for t in range(sessions * length):
        if t % length == 0:
            env.reset(seed=1000 * seed + USERS * t, options={"users": np.arange(USERS)})
        env.step(order[:, t])
        took = np.flatnonzero(env.outcome["consumed"][:, 0])
        rows.append((took, order[took, t], env.outcome["rating"][took, 0].copy()))
    user, item, rating = (np.concatenate(column) for column in zip(*rows, strict=True))
    return RatingsLog(
        name=world.name,
        user=user,
        item=item,
        rating=rating,
        user_ids=world.user_ids,
        item_ids=world.item_ids,
        levels=world.scale,
        genres=tuple(tuple(np.array(world.topic_names)[row > 0]) for row in world.topic),
    )


def play_sessions(world: World, *, seed: int, slate: int = 3, steps: int = 12) -> dict[str, NDArray[Any]]:
    """Return the columns of `ObservedSessions` under random slates, one session a user, everything written down."""
    env = RecSysVectorEnv(USERS, world=world, slate_size=slate, horizon=steps, feedback="simulated", repeat=True)
    env.reset(seed=seed, options={"users": np.arange(USERS)})
    rng, alive, parts = np.random.default_rng(seed), np.arange(USERS), []
    for t in range(steps):
        _, _, terminated, _, _ = env.step(rng.permuted(np.tile(np.arange(ITEMS), (USERS, 1)), axis=1)[:, :slate])
        seen = env.outcome[alive].ravel()
        part = {"session": np.repeat(alive, slate), "step": np.full(len(seen), t)}
        part |= {"position": np.tile(np.arange(slate), len(alive)), "left": np.repeat(terminated[alive], slate)}
        part |= {"level": np.where(seen["consumed"], seen["level"], 0)}
        parts.append(part | {"user": part["session"]} | {name: seen[name] for name in ("item", "clicked", "purchased")})
        alive = alive[~terminated[alive]]
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def utilities(world: World) -> NDArray[np.float64]:
    """Return (U, N) utilities without dynamics."""
    return world.taste @ world.embedding.T + world.user_bias[:, None] + world.item_bias


def ratings(world: World) -> NDArray[np.float64]:
    """Return (U, N) expected ratings without dynamics."""
    user, item = np.divmod(np.arange(USERS * ITEMS), ITEMS)
    return world.expected_rating(user, item).reshape(USERS, ITEMS)


def policies(world: World, history: RatingsLog) -> dict[str, Scores]:
    """Return policies made from a log, as a team would make them; of the world its seed and topics are read."""
    rng = np.random.default_rng([world.seed, 90])
    quality, personal = predicted(history)
    by_topic = personal @ world.topic / world.topic.sum(0)
    only = (world.topic > 0)[:, by_topic.argmax(1)].T
    noise = rng.normal(size=(2, USERS, ITEMS))
    fixed = {
        "random": noise[0],
        "popular": np.tile(np.bincount(history.item, minlength=ITEMS).astype(float), (USERS, 1)),
        "quality": np.tile(quality, (USERS, 1)),
        "personal, noisy": personal + personal.std() * noise[1],
        "personal": personal,
        "best topic": 50.0 * only + personal,
    }
    made: dict[str, Scores] = {name: _constant(scores) for name, scores in fixed.items()}
    turns = [(world.topic[:, t] > 0)[None, :] * 50.0 + personal for t in range(TOPICS)]
    made["topics in turn"] = lambda t: turns[t % TOPICS]
    return made


def predicted(history: RatingsLog, *, rank: int = 4, shrinkage: float = 3.0) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return shrunken item means (N,) and personal predictions (U, N): a low rank beside."""
    rating, seen = np.zeros((2, USERS, ITEMS))
    rating[history.user, history.item], seen[history.user, history.item] = history.rating, 1.0
    rest = seen * (rating - history.rating.mean())
    item = rest.sum(0) / (seen.sum(0) + shrinkage)
    rest -= seen * item
    user = rest.sum(1, keepdims=True) / (seen.sum(1, keepdims=True) + shrinkage)
    left, size, right = np.linalg.svd(rest - seen * user, full_matrices=False)
    return item, item + user + (left[:, :rank] * size[:rank]) @ right[:rank] / seen.mean() / 2


def _constant(scores: NDArray[np.float64]) -> Scores:
    return lambda _: scores


def values(world: World, compared: dict[str, Scores]) -> NDArray[np.float64]:
    """Return (P,) likes a session of each policy, every user in the same sessions, under one noise for all worlds.

    Values so differ by what the worlds say and not by chance.
    """
    world = dataclasses.replace(world, seed=OPINIONS)
    return np.array([_value(world, scores) for scores in compared.values()])


def _value(world: World, scores: Scores) -> float:
    users = np.tile(np.arange(USERS), SESSIONS)
    env = RecSysVectorEnv(
        len(users), world=world, slate_size=SLATE, horizon=HORIZON, feedback="simulated", reward="like"
    )
    env.reset(seed=7, options={"users": users})
    alive, total = np.ones(len(users), bool), 0.0
    shown = np.zeros((len(users), ITEMS), bool)
    rows = np.arange(len(users))[:, None]
    for t in range(HORIZON):
        slate = np.argsort(np.where(shown, np.inf, -scores(t)[users]), axis=1)[:, :SLATE]
        shown[rows, slate] = True
        _, reward, terminated, truncated, _ = env.step(slate)
        total += float(reward[alive].sum())
        alive &= ~(terminated | truncated)
    return total / len(users)
