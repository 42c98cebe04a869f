"""Validation card of a fit: what was measured on ratings that it has not seen, how it was fitted, what is assumed."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from recenv.causal.exposure_models.given import Exposure
from recenv.causal.validation.assumed import ASSUMPTIONS
from recenv.causal.validation.exposed import weight_facts
from recenv.causal.validation.measured import measured
from recenv.causal.validation.validation_card import ValidationCard
from recenv.causal.weighting import CLIP_GUESSED
from recenv.causal.world import World

if TYPE_CHECKING:
    from recenv.causal.fit import FitConfig

__all__ = ["ASSUMPTIONS", "validation_card"]


def validation_card(
    world: World,
    config: FitConfig,
    exposure: Exposure | None,
    weight: NDArray[np.float64],
    *,
    response: Mapping[str, Any] | None = None,
) -> ValidationCard:
    """Return the card of a fitted world; `weight` is that of each rating in the fit.

    The errors are measured on the second part of the log (out of fold); with `first_share=1` there is none, and the
    in-sample ones are labelled as such.

    Parameters
    ----------
    exposure
        The exposure model of the fit: any object with `propensity(users, items)`; None where it has none for all pairs.
    response
        What the fit tells of the response model: its name, `distillation_rmse`, `link_slope`.
    """
    card = {
        "source": world.name,
        "fit": {**_plain(dataclasses.asdict(config)), "levels": world.scale.tolist()},
        "exposure": weight_facts(weight, config.weighting),
        "abducted": "along the factual trajectory" if config.ordered else "at baseline",
        **({"response": _plain(dict(response))} if response else {}),
    }
    clip = CLIP_GUESSED if config.clip_quantile is None else config.clip_quantile
    return ValidationCard(card | measured(world, exposure, clip_quantile=clip, deconfounded=config.deconfounded))


def _plain(value: Any) -> Any:
    """Return a value as JSON has it; arrays, models and functions are named, not copied."""
    if isinstance(value, Mapping):
        return {str(name): _plain(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    if isinstance(value, np.ndarray):
        return f"array of shape {value.shape}"
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, str | int | float | bool) or value is None:
        return value
    return getattr(value, "__qualname__", type(value).__qualname__)
