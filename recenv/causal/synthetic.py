"""The synthetic world: parameters and a log of its own from a seed, without any data."""

from __future__ import annotations

import dataclasses

import numpy as np
from numpy.typing import NDArray

from recenv.causal.abduction import world_key
from recenv.causal.compiled import jit
from recenv.causal.equations.rating import rating_level
from recenv.causal.equations.satisfaction import base_satisfaction, satisfaction
from recenv.causal.equations.vectors import dot
from recenv.causal.noise import OPINION, logistic_quantile, opinion_uniform
from recenv.causal.ordinal import OrdinalFactors, normalise
from recenv.causal.pairs import FIRST, SECOND, LoggedPairs
from recenv.causal.popularity import conformity_popularity
from recenv.causal.topics import comfort_loading
from recenv.causal.visible import visible_features
from recenv.causal.world import World

SHARE_LOGGED = 0.1
FIRST_SHARE = 0.7
LOG_KEY = np.uint32(0x9E3779B9)
"""Makes the key of the log's noise from the world's."""


def synthetic_world(seed: int, *, users: int, items: int, dims: int, topics: int, levels: int) -> World:
    """Return a world of `users` x `items` whose log was made by its own equations, with popular items rated more.

    Raises
    ------
    ValueError
        If there are fewer than 10 users or items, or fewer than 2 levels, topics or dims.
    """
    for name, value, least in (
        ("users", users, 10), ("items", items, 10), ("dims", dims, 2), ("topics", topics, 2), ("levels", levels, 2),
    ):  # fmt: skip
        if value < least:
            raise ValueError(f"synthetic world needs at least {least} {name}, got {value}")
    low, high = (word ^ LOG_KEY for word in world_key(seed))
    rng = np.random.default_rng([seed, 20])
    topic, factors = _parameters(rng, users, items, dims, topics, levels)
    user, item = _exposed_pairs(rng, factors)
    part = np.where(rng.random(len(user)) < FIRST_SHARE, FIRST, SECOND)
    pairs = LoggedPairs.from_rows(user, item, np.zeros(len(user), np.int8), part)
    rate_pairs(factors, low, high, pairs.user, pairs.item, pairs.level, pairs.noise)
    first = pairs.only(FIRST)
    scale = np.arange(1.0, levels + 1.0)
    visible = visible_features(first.user, first.item, scale[first.level - 1], topic, users)
    world = World(
        name=f"synthetic-{seed}",
        seed=seed,
        taste=factors.taste,
        user_bias=factors.user_bias,
        embedding=factors.embedding,
        item_bias=factors.item_bias,
        popularity=conformity_popularity(np.bincount(item, minlength=items).astype(float), factors.item_bias),
        topic=topic,
        comfort=comfort_loading(topic),
        thresholds=factors.thresholds,
        scale=scale,
        like_level=max(2, levels - 1),
        trust_start=float((pairs.level.mean() - 1) / (levels - 1)),
        user_features=visible.user,
        item_features=visible.item,
        item_counts=visible.item_counts,
        pairs=pairs,
        user_ids=np.arange(users).astype(str),
        item_ids=np.arange(items).astype(str),
        titles=tuple(f"Item {a}" for a in range(items)),
        topic_names=tuple(f"topic {g + 1}" for g in range(topics)),
        card={"source": f"synthetic, seed {seed}: every parameter was drawn, nothing was fitted"},
    )
    return dataclasses.replace(world, fingerprints=_fingerprints(world))


def _fingerprints(world: World) -> dict[str, tuple[int, ...]]:
    from recenv.data.fingerprint import coded_fingerprint

    halves = {"first": world.pairs.only(FIRST), "second": world.pairs.only(SECOND)}
    return {
        name: coded_fingerprint(world.user_ids, half.user.astype(np.int64), world.item_ids, half.item.astype(np.int64))
        for name, half in halves.items()
    }


def _parameters(
    rng: np.random.Generator, users: int, items: int, dims: int, topics: int, levels: int
) -> tuple[NDArray[np.float64], OrdinalFactors]:
    """Draw topics (one or two an item), embeddings around their topics, tastes, biases and thresholds."""
    main, second = rng.integers(topics, size=items), rng.integers(topics, size=items)
    topic = 0.5 * (np.eye(topics)[main] + np.eye(topics)[second])
    centres = rng.normal(size=(topics, dims))
    embedding = (topic @ centres + 0.5 * rng.normal(size=(items, dims))) / np.sqrt(dims)
    taste = 1.2 * rng.normal(size=(users, dims))
    thresholds = np.linspace(-2.5, 1.5, levels - 1) if levels > 2 else np.zeros(1)
    user_bias, item_bias = 0.6 * rng.normal(size=users), 0.6 * rng.normal(size=items)
    return topic, normalise(OrdinalFactors(taste, embedding, user_bias, item_bias, thresholds))


def _exposed_pairs(rng: np.random.Generator, factors: OrdinalFactors) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Draw which pairs are rated: items of their liking and popular ones more, without replacement (Gumbel top-k)."""
    (users, _), items = factors.taste.shape, len(factors.embedding)
    k = max(4, round(SHARE_LOGGED * items))
    appeal = 0.5 * (factors.taste @ factors.embedding.T) + factors.item_bias + rng.normal(0.0, 1.0, items)
    keys = appeal + rng.gumbel(size=appeal.shape)
    chosen = np.argpartition(-keys, k, axis=1)[:, :k]
    return np.repeat(np.arange(users), k), chosen.ravel()


@jit
def rate_pairs(factors, low, high, user, item, level, noise):  # type: ignore[no-untyped-def]
    """Fill `level` and `noise` (n,) with what the equations give without dynamics, at the addressed opinion noise.

    The noise is known here, so nothing needs to be abducted. Its key is not the world's: a pair that forgets its logged
    noise (`World.held_out`) must meet another opinion, not the same one again.
    """
    for row in range(user.shape[0]):
        u, a = user[row], item[row]
        base = base_satisfaction(
            dot(factors.taste[u], factors.embedding[a]), factors.user_bias[u], factors.item_bias[a]
        )
        noise[row] = logistic_quantile(opinion_uniform(low, high, u, a, OPINION))
        level[row] = rating_level(satisfaction(base, 0.0, 0.0, noise[row]), factors.thresholds)
