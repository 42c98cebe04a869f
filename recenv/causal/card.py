"""Validation card: what was measured about a fitted world on ratings it has not seen, and what is assumed."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from recenv.causal.abduction import randomised_pit
from recenv.causal.exposure import ExposureModel, inverse_propensity_weights
from recenv.causal.ordinal import expected_level_value, level_probabilities
from recenv.causal.pairs import FIRST, SECOND, LoggedPairs
from recenv.causal.world import World

if TYPE_CHECKING:
    from recenv.causal.fit import FitConfig

ASSUMPTIONS = (
    "Mechanism strengths (Behaviour) are not identified by a ratings log: they are assumed.",
    "Comfort loadings are the first principal component of the topics: assumed.",
    "Given user and item, whether a pair was rated does not depend on its rating.",
    "Users do not influence each other.",
    "Opinion noise of different items is independent unless noise_correlation is set.",
    "Mood is 0 during abduction.",
)


def validation_card(
    world: World, config: FitConfig, exposure: ExposureModel, weight: NDArray[np.float64]
) -> dict[str, Any]:
    """Return the card of a fitted world as plain numbers and text; `weight` is that of each rating in the fit.

    The errors are measured on the second part of the log (out of fold); with `first_share=1` there is none, and the
    in-sample ones are labelled as such.
    """
    second = world.pairs.only(SECOND)
    held_out = len(second) > 0
    rows = second if held_out else world.pairs
    return {
        "source": world.name,
        "fit": {**dataclasses.asdict(config), "levels": world.scale.tolist()},
        "users": world.n_users,
        "items": world.n_items,
        "ratings": len(world.pairs),
        "ratings_first_part": int(np.sum(world.pairs.part == FIRST)),
        "exposure": {
            "weighting": config.weighting,
            "largest weight": float(weight.max()),
            "effective share of ratings": float(weight.sum() ** 2 / (weight**2).sum() / len(weight)),
        },
        "measured_on": "held-out second part" if held_out else "in sample (first_share=1)",
        **_errors(world, rows),
        "rmse_propensity_weighted": _weighted_rmse(world, rows, exposure, config.clip_quantile),
        "rating_histogram": _histograms(world, rows),
        "assumptions": list(ASSUMPTIONS),
        "mood_during_abduction": 0.0,
        "abducted": "along the factual trajectory" if config.ordered else "at baseline",
    }


def _errors(world: World, rows: LoggedPairs) -> dict[str, float]:
    """Return error of the mean rating, log score and uniformity of the randomised PIT."""
    from scipy.stats import kstest

    mean = world.base_utility(rows.user, rows.item)
    rating = world.scale[rows.level - 1]
    expected = expected_level_value(mean, world.thresholds, world.scale)
    probability = level_probabilities(mean, world.thresholds)[np.arange(len(rows)), rows.level - 1]
    share = np.bincount(rows.level - 1, minlength=world.n_levels) / len(rows)
    pit = randomised_pit(rows.level, mean, world.thresholds, np.random.default_rng([world.seed, 30]).random(len(rows)))
    return {
        "rmse": float(np.sqrt(np.mean((rating - expected) ** 2))),
        "mae": float(np.mean(np.abs(rating - expected))),
        "rmse_of_the_mean_rating": float(rating.std()),
        "log_score": float(np.mean(np.log(np.maximum(probability, 1e-12)))),
        "log_score_of_the_rating_shares": float(np.sum(share[share > 0] * np.log(share[share > 0]))),
        "pit_mean": float(pit.mean()),
        "pit_ks_distance": float(kstest(pit, "uniform").statistic),
    }


def _weighted_rmse(world: World, rows: LoggedPairs, exposure: ExposureModel, clip_quantile: float) -> float:
    """Return the error weighted by inverse propensity: an estimate of the error on pairs that nobody selected."""
    weight = inverse_propensity_weights(exposure.propensity(rows.user, rows.item), clip_quantile=clip_quantile)
    error = world.scale[rows.level - 1] - world.expected_rating(rows.user, rows.item)
    return float(np.sqrt(np.mean(weight * error**2)))


def _histograms(world: World, rows: LoggedPairs) -> dict[str, list[float]]:
    """Return the share of each level, logged and as the world expects it for the same pairs."""
    logged = np.bincount(rows.level - 1, minlength=world.n_levels) / len(rows)
    expected = level_probabilities(world.base_utility(rows.user, rows.item), world.thresholds).mean(0)
    return {"level": world.scale.tolist(), "logged": logged.tolist(), "simulated": expected.tolist()}
