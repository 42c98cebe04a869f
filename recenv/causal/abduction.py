"""Abduction: the opinion noise that a logged rating fixes, so that replaying the log returns the log.

A rating says in which interval x lies; e_rate is drawn, by its own address, from the logistic truncated to it.
Pearl (2009), *Causality*, section 7.1 (`pearl2009causality`): abduction, action, prediction.
"""

from __future__ import annotations

import dataclasses
import math

import numpy as np
from numpy.typing import NDArray

from recenv.causal.compiled import jit, jit_allocating
from recenv.causal.equations.rating import normalised_rating, rating_level
from recenv.causal.equations.satiation import fade, satiate, satiation_match
from recenv.causal.equations.satisfaction import base_satisfaction, boredom_felt, satisfaction
from recenv.causal.equations.taste_drift import drift_towards
from recenv.causal.equations.trust import trust_next
from recenv.causal.equations.vectors import dot
from recenv.causal.noise import OPINION, logistic_cdf, logistic_quantile, opinion_uniform
from recenv.causal.world import World


@jit
def truncated_logistic(u, low, high):  # type: ignore[no-untyped-def]
    """Return the logistic variable given low < e < high, at cumulative probability u; accurate in both tails."""
    if low > 0.0:
        return -truncated_lower(1.0 - u, -high, -low)
    return truncated_lower(u, low, high)


@jit
def truncated_lower(u, low, high):  # type: ignore[no-untyped-def]
    """Return the truncated logistic variable where the interval does not lie wholly above 0."""
    a = 0.0 if low == -math.inf else logistic_cdf(low)
    b = 1.0 if high == math.inf else logistic_cdf(high)
    p = a + u * (b - a)
    if p <= 0.0 or p >= 1.0:  # the interval is so far out that its probability is lost: take a point inside it
        return high - 1.0 if low == -math.inf else 0.5 * (low + high)
    return logistic_quantile(p)


@jit
def abduct_one(u, level, before_noise, thresholds):  # type: ignore[no-untyped-def]
    """Return e with rating_level(before_noise + e) == level, drawn at u from the logistic truncated to that level.

    Rounding can put the sum just outside its interval; then e is moved to the interval's middle, which cannot.
    """
    low = -math.inf if level == 1 else thresholds[level - 2] - before_noise
    high = math.inf if level == thresholds.shape[0] + 1 else thresholds[level - 1] - before_noise
    e = truncated_logistic(u, low, high)
    if rating_level(before_noise + e, thresholds) != level:
        e = high - 1e-6 if level == 1 else (low + 1e-6 if high == math.inf else 0.5 * (low + high))
    return e


@jit_allocating
def abduct_pairs(world, n_topics, dials, low, high, like_level, trust_start, user, item, level, order, ordered, noise):  # type: ignore[no-untyped-def]
    """Fill `noise` (n,) for pairs sorted by user; `order` ranks each user's pairs in time.

    Not ordered: at baseline, every mechanism off. Ordered: along the factual trajectory with mood 0, in which
    satiation, taste and trust move as the equations say, so that replaying the sequence returns the ratings.
    """
    taste = np.zeros(world.taste.shape[1])
    satiation = np.zeros(n_topics)
    begin = 0
    while begin < user.shape[0]:
        end = begin
        while end < user.shape[0] and user[end] == user[begin]:
            end += 1
        rows = begin + np.argsort(order[begin:end])
        taste[:] = world.taste[user[begin]]
        satiation[:] = 0.0
        trust = trust_start
        for row in rows:
            u, a = user[row], item[row]
            base = base_satisfaction(dot(taste, world.embedding[a]), world.user[u]["bias"], world.item[a]["bias"])
            topics = world.topics[world.item[a]["topics_from"] : world.item[a]["topics_to"]]
            bored = boredom_felt(satiation_match(satiation, topics), dials) if ordered else 0.0
            before = satisfaction(base, bored, 0.0, 0.0)
            noise[row] = abduct_one(opinion_uniform(low, high, u, a, OPINION), level[row], before, world.thresholds)
            if ordered:
                if level[row] >= like_level:
                    drift_towards(
                        taste,
                        world.user[u]["taste_length"],
                        world.embedding[a],
                        world.item[a]["length"],
                        dials["drift"],
                    )
                fade(satiation, dials)
                satiate(satiation, topics, 1.0, dials)
                trust = trust_next(trust, normalised_rating(level[row], world.scale.shape[0]), dials)
        begin = end


def abduct(world: World, *, ordered: bool = False) -> World:
    """Return the world with the noise of its logged pairs abducted.

    Parameters
    ----------
    world
        A world whose pairs have levels.
    ordered
        True for logs whose order is the order of consumption; False (MovieLens, Coat, Jester) at baseline. Mood is 0
        during abduction, and every shown item counts as consumed.
    """
    pairs = world.pairs
    noise = np.empty(len(pairs))
    dials = world.behaviour.dials(**{"mood": 0.0, **world.held})[0]
    abduct_pairs(
        world.tables,
        len(world.topic_names),
        dials,
        *world_key(world.seed),
        world.like_level,
        world.trust_start,
        pairs.user,
        pairs.item,
        pairs.level,
        pairs.order,
        ordered,
        noise,
    )
    return dataclasses.replace(world, pairs=dataclasses.replace(pairs, noise=noise))


def world_key(seed: int) -> tuple[np.uint32, np.uint32]:
    """Return the Philox key (low word, high word) of a world seed below 2**64."""
    if not 0 <= seed < 2**64:
        raise ValueError(f"world seed must be in [0, 2**64), got {seed}")
    return np.uint32(seed & 0xFFFFFFFF), np.uint32(seed >> 32)


def randomised_pit(
    level: NDArray[np.integer], mean: NDArray[np.float64], thresholds: NDArray[np.float64], u: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return (n,) the randomised probability integral transform of ratings; uniform when the world is right.

    For an ordinal variable: P(rating < level) + u * P(rating = level) (Smith 1985, `smith1985diagnostic`).
    """
    cuts = np.concatenate([[-np.inf], thresholds, [np.inf]])
    from scipy.special import expit

    below, upto = expit(cuts[level - 1] - mean), expit(cuts[level] - mean)
    pit: NDArray[np.float64] = below + u * (upto - below)
    return pit
