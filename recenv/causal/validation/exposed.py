"""Diagnostics of the exposure model, of the weights that it gave the ratings, and of the support of pairs."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from recenv.causal.exposure_models.given import Exposure
from recenv.causal.pairs import SECOND
from recenv.causal.validation.predicted import Predicted
from recenv.causal.world import World

SAMPLE = 50_000
"""Pairs drawn at random."""
MOST_CELLS = 20_000_000
"""Cells of the user-item matrix over which expected counts are summed; of more, a sample of users stands for all."""
QUANTILES = (0.0, 0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99, 1.0)


def weight_facts(weight: NDArray[np.float64], weighting: str) -> dict[str, Any]:
    """Return what the weights of the fit's ratings look like; an effective share of 1 means all alike."""
    share = float(weight.sum() ** 2 / (weight**2).sum() / len(weight))
    top = np.sort(weight)[::-1][: max(1, len(weight) // 100)]
    return {
        "weighting": weighting,
        "largest weight": float(weight.max()),
        "effective share of ratings": share,
        "weight of the top 1% of ratings": float(top.sum() / weight.sum()),
    }


def propensity_facts(world: World, exposure: Exposure) -> dict[str, Any]:
    """Return quantiles of the propensity of logged pairs, and how well it tells held-out pairs from random others.

    `auc_held_out`: probability that a held-out rated pair has a higher propensity than a random pair that nobody
    rated; None without a second part.
    """
    rng = np.random.default_rng([world.seed, 33])
    rows = rng.permutation(len(world.pairs))[:SAMPLE]
    logged = exposure.propensity(world.pairs.user[rows], world.pairs.item[rows])
    facts: dict[str, Any] = {"quantile": list(QUANTILES), "of_logged_pairs": np.quantile(logged, QUANTILES).tolist()}
    held = world.pairs.only(SECOND)
    user, item = _unrated(world, rng)
    facts["auc_held_out"] = None
    if len(held) and len(user):
        rows = rng.permutation(len(held))[:SAMPLE]
        facts["auc_held_out"] = _auc(
            exposure.propensity(held.user[rows], held.item[rows]), exposure.propensity(user, item)
        )
    return facts


def expected_counts(world: World, exposure: Exposure) -> NDArray[np.float64]:
    """Return (N,) how many ratings the exposure model expects of each item, up to a factor."""
    rng = np.random.default_rng([world.seed, 34])
    users = np.sort(rng.permutation(world.n_users)[: max(1, MOST_CELLS // world.n_items)])
    total, items = np.zeros(world.n_items), np.arange(world.n_items)
    block = max(1, 2_000_000 // world.n_items)
    for begin in range(0, len(users), block):
        part = users[begin : begin + block]
        cells = exposure.propensity(np.repeat(part, len(items)), np.tile(items, len(part)))
        total += cells.reshape(len(part), -1).sum(axis=0)
    return total


def support_facts(world: World, rows: Predicted) -> dict[str, Any]:
    """Return quantiles of the support (0 to 1) of held-out and of random pairs."""
    rng = np.random.default_rng([world.seed, 35])
    random = rng.integers(world.n_users, size=SAMPLE), rng.integers(world.n_items, size=SAMPLE)
    pairs = (np.concatenate([one, two[:SAMPLE]]) for one, two in zip(random, (rows.user, rows.item), strict=True))
    support = world.support(*pairs)  # at once: most of the cost is that of the users and items
    return {
        "quantile": list(QUANTILES),
        "of_rated_pairs": np.quantile(support[SAMPLE:], QUANTILES).tolist(),
        "of_random_pairs": np.quantile(support[:SAMPLE], QUANTILES).tolist(),
    }


def _unrated(world: World, rng: np.random.Generator) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return random pairs that the log does not have."""
    user, item = rng.integers(world.n_users, size=SAMPLE), rng.integers(world.n_items, size=SAMPLE)
    rated = np.isin(user * world.n_items + item, world.pairs.user.astype(np.int64) * world.n_items + world.pairs.item)
    return user[~rated], item[~rated]


def _auc(higher: NDArray[np.float64], lower: NDArray[np.float64]) -> float:
    """Return the share of pairs in which the first is larger, ties half."""
    ascending = np.sort(lower)
    below, upto = np.searchsorted(ascending, higher, "left"), np.searchsorted(ascending, higher, "right")
    return float((below + upto).mean() / 2 / len(ascending))
