"""Ratings beside what the world predicts of them: what every part of the card is computed from."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from recenv.causal.abduction import randomised_pit
from recenv.causal.ordinal import level_probabilities
from recenv.causal.pairs import LoggedPairs
from recenv.causal.world import World

MOST_ROWS = 200_000
"""Cards are made from at most this many ratings, drawn with a fixed seed, so that their cost is bounded."""


class Predicted(NamedTuple):
    """Ratings of n pairs and the distribution that the world gives each, without dynamics."""

    user: NDArray[np.int64]
    """(n,)."""
    item: NDArray[np.int64]
    """(n,)."""
    order: NDArray[np.int64]
    """(n,) place in the user's own history."""
    level: NDArray[np.int64]
    """(n,) 1..L."""
    rating: NDArray[np.float64]
    """(n,) on the log's scale."""
    probability: NDArray[np.float64]
    """(n, L) of each level."""
    expected: NDArray[np.float64]
    """(n,) mean rating, on the log's scale."""
    pit: NDArray[np.float64]
    """(n,) randomised probability integral transform: uniform if the world is right."""
    simulated: NDArray[np.int64]
    """(n,) a level drawn from the world for the same pair, with fresh noise."""


def predict(world: World, rows: LoggedPairs, *, most: int = MOST_ROWS) -> Predicted:
    """Return up to `most` of these rows with the world's predictions; the same world and rows give the same."""
    rng = np.random.default_rng([world.seed, 30])
    keep = np.arange(len(rows)) if len(rows) <= most else np.sort(rng.permutation(len(rows))[:most])
    user, item = rows.user[keep].astype(np.int64), rows.item[keep].astype(np.int64)
    level = rows.level[keep].astype(np.int64)
    utility = world.base_utility(user, item)
    probability = level_probabilities(utility, world.thresholds)
    return Predicted(
        user,
        item,
        rows.order[keep].astype(np.int64),
        level,
        world.scale[level - 1],
        probability,
        probability @ world.scale,
        randomised_pit(level, utility, world.thresholds, rng.random(len(keep))),
        draw_levels(probability, rng),
    )


def draw_levels(probability: NDArray[np.float64], rng: np.random.Generator) -> NDArray[np.int64]:
    """Return (n,) a level 1..L of each row of (n, L) probabilities."""
    upto = np.cumsum(probability, axis=1)[:, :-1]
    return 1 + (rng.random(len(probability))[:, None] > upto).sum(axis=1)


def normal_residual(pit: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return (n,) the normal quantile of the PIT: N(0, 1) if right (Dunn & Smyth 1996, `dunn1996randomized`)."""
    from scipy.special import ndtri

    residual: NDArray[np.float64] = ndtri(np.clip(pit, 1e-9, 1 - 1e-9))
    return residual
