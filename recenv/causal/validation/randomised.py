"""Error on ratings of pairs that were drawn at random: what the error on chosen pairs cannot tell."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from recenv.causal.ordinal import level_probabilities
from recenv.causal.pairs import FIRST
from recenv.causal.validation.bootstrap import UserBootstrap
from recenv.causal.validation.errors import log_score
from recenv.causal.world import World

if TYPE_CHECKING:
    from recenv.data import RatingsLog


def randomised_errors(world: World, log: RatingsLog) -> dict[str, Any]:
    """Return errors on a log of randomised exposure, all of it and without the pairs that the fit has seen.

    Parameters
    ----------
    log
        Ratings of randomly drawn pairs, with the ids of the world's own log.

    Raises
    ------
    ValueError
        If no pair has a user and an item of the world, or a rating is not on the world's scale.
    """
    user, item = _codes(world.user_ids, log.user_ids)[log.user], _codes(world.item_ids, log.item_ids)[log.item]
    known = (user >= 0) & (item >= 0)
    if not known.any():
        raise ValueError(
            f"none of the {len(log)} randomised ratings has a user and an item of world {world.name!r}: "
            f"use its ids, such as user {str(world.user_ids[0])!r} and item {str(world.item_ids[0])!r}"
        )
    user, item, level = user[known], item[known], _levels(world, log.rating[known])
    clean = ~_in_first_part(world, user, item)
    facts = {"ratings": len(user), "unknown_pairs": int((~known).sum()), "seen_by_the_fit": int((~clean).sum())}
    return facts | {
        "all": _errors(world, user, item, level),
        "clean": _errors(world, user[clean], item[clean], level[clean]),
    }


def _errors(
    world: World, user: NDArray[np.integer], item: NDArray[np.integer], level: NDArray[np.integer]
) -> dict[str, Any] | None:
    if not len(user):
        return None
    probability = level_probabilities(world.base_utility(user, item), world.thresholds)
    rating = world.scale[level - 1]
    error, expected = rating - probability @ world.scale, probability @ world.scale
    draws = UserBootstrap.of(user, seed=world.seed)
    squares = np.column_stack([error**2, np.ones(len(error))])
    return {
        "mse": draws.mean(error**2).plain(),
        "rmse": draws.estimate(squares, lambda sums: np.sqrt(sums[..., 0] / sums[..., 1])).plain(),
        "mae": draws.mean(np.abs(error)).plain(),
        "log_score": draws.mean(log_score(probability, level)).plain(),
        "mean_rating": {"logged": float(rating.mean()), "expected": float(expected.mean())},
    }


def _codes(own: NDArray[np.str_], given: NDArray[np.str_]) -> NDArray[np.int64]:
    """Return (len(given),) the world's row of each id, -1 where it has none."""
    order = np.argsort(own)
    place = np.minimum(np.searchsorted(own[order], given), len(own) - 1)
    found = order[place]
    return np.where(own[found] == given, found, -1)


def _levels(world: World, rating: NDArray[np.float64]) -> NDArray[np.int64]:
    level = np.argmin(np.abs(rating[:, None] - world.scale), axis=1)
    off = np.flatnonzero(np.abs(world.scale[level] - rating) > 1e-9)
    if len(off):
        raise ValueError(
            f"randomised rating {rating[off[0]]:g} is not one of the world's {world.scale.tolist()}: use the same scale"
        )
    return level + 1


def _in_first_part(world: World, user: NDArray[np.integer], item: NDArray[np.integer]) -> NDArray[np.bool_]:
    first = world.pairs.only(FIRST)
    key = first.user.astype(np.int64) * world.n_items + first.item
    seen: NDArray[np.bool_] = np.isin(user * world.n_items + item, key)
    return seen
