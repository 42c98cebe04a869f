"""Validate any world: one that was fitted, loaded or made from a seed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from recenv.causal.exposure import fit_exposure, inverse_propensity_weights
from recenv.causal.exposure_models.given import Exposure
from recenv.causal.pairs import FIRST, SECOND, LoggedPairs
from recenv.causal.validation.assumed import assumptions
from recenv.causal.validation.bias_only import fit_bias_only
from recenv.causal.validation.bootstrap import UserBootstrap
from recenv.causal.validation.calibration import calibration, pit_distance, pit_estimates
from recenv.causal.validation.errors import error_estimates, weighted_rmse
from recenv.causal.validation.exposed import expected_counts, propensity_facts, support_facts
from recenv.causal.validation.populations import popularity_curves, rating_histogram, user_means
from recenv.causal.validation.predicted import Predicted, predict
from recenv.causal.validation.randomised import randomised_errors
from recenv.causal.validation.real_or_simulated import classifier_auc
from recenv.causal.validation.residuals import residual_tests
from recenv.causal.validation.validation_card import ValidationCard
from recenv.causal.weighting import CLIP_GUESSED
from recenv.causal.world import World

if TYPE_CHECKING:
    from recenv.data import RatingsLog


def validate(world: World, randomised: RatingsLog | None = None) -> ValidationCard:
    """Return the card of a world, measured on the second part of its own log.

    Parameters
    ----------
    world
        Any world; what its card already tells of the fit is kept.
    randomised
        Ratings of randomly drawn pairs, with the ids of the world's log, to measure the error on; they must not have
        been used in the fit.

    Raises
    ------
    TypeError
        If `world` is something else, such as the folder of one.
    """
    if not isinstance(world, World):
        raise TypeError(f"world must be a World, got {world!r}: World.load(folder) reads a saved one")
    first = world.pairs.only(FIRST)
    known = {name: value for name, value in world.card.items() if name in ("fit", "exposure", "response", "abducted")}
    # A made world's parameters were drawn, not fitted: its card says so, and its own log is its check.
    card = {"source": world.card.get("source", world.name), **known}
    exposure = fit_exposure(first.user, first.item, world.n_users, world.n_items) if len(first) else None
    return ValidationCard(card | measured(world, exposure, randomised=randomised))


def measured(
    world: World,
    exposure: Exposure | None,
    *,
    clip_quantile: float = CLIP_GUESSED,
    randomised: RatingsLog | None = None,
    deconfounded: bool = False,
) -> dict[str, Any]:
    """Return everything on the card that is measured or assumed of a world, beside what its fit tells."""
    second = world.pairs.only(SECOND)
    held_out = second if len(second) else world.pairs
    rows = predict(world, held_out)
    draws = UserBootstrap.of(rows.user, seed=world.seed)
    levels = (world.n_users, world.n_items, world.n_levels)
    first = _first_or_all(world)
    biases = fit_bias_only(first.user, first.item, first.level, levels)
    estimates = error_estimates(rows, biases, world.scale, draws) | pit_estimates(rows, draws)
    estimates["pit_ks_distance"] = pit_distance(rows, draws)
    propensity = None if exposure is None else exposure.propensity(rows.user, rows.item)
    if propensity is not None:
        weight = inverse_propensity_weights(propensity, clip_quantile=clip_quantile)
        estimates["rmse_propensity_weighted"] = weighted_rmse(rows, weight, draws)
    auc = classifier_auc(world, rows)
    if auc is not None:
        estimates["classifier_auc"] = auc
    card: dict[str, Any] = {
        "users": world.n_users,
        "items": world.n_items,
        "ratings": len(world.pairs),
        "ratings_first_part": int(np.sum(world.pairs.part == FIRST)),
        "ratings_measured": len(rows.user),
        "measured_on": "held-out second part" if len(second) else "in sample (first_share=1)",
        **{name: one.plain()["value"] for name, one in estimates.items()},
        "intervals": {name: [one.plain()["low"], one.plain()["high"]] for name, one in estimates.items()},
        **calibration(rows, world.scale, draws),
        "rating_histogram": rating_histogram(rows, world.scale, draws),
        "user_means": user_means(rows, world.scale),
        **popularity_curves(world, rows, None if exposure is None else expected_counts(world, exposure), world.scale),
        "residuals": residual_tests(rows, _exposures(world, rows, propensity), draws),
        "assumptions": assumptions(world.behaviour, deconfounded=deconfounded),
        "mood_during_abduction": 0.0,
    }
    optional = {
        "propensity": None if exposure is None else propensity_facts(world, exposure),
        "support": support_facts(world, rows),
        "randomised_exposure": None if randomised is None else randomised_errors(world, randomised),
    }
    return card | {name: value for name, value in optional.items() if value is not None}


def _first_or_all(world: World) -> LoggedPairs:
    first = world.pairs.only(FIRST)
    return first if len(first) else world.pairs


def _exposures(
    world: World, rows: Predicted, propensity: NDArray[np.float64] | None
) -> Mapping[str, NDArray[np.float64]]:
    """Return the measures of exposure that residuals must not depend on."""
    by_user = np.bincount(world.pairs.user, minlength=world.n_users)
    found = {
        "item popularity": np.log1p(world.item_counts[rows.item]),
        "user activity": np.log1p(by_user[rows.user].astype(np.float64)),
    }
    return found if propensity is None else {"log propensity": np.log(np.maximum(propensity, 1e-12)), **found}
