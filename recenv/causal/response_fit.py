"""One way from any response model into a world: fit, factors or distillation, link, gauge."""

from __future__ import annotations

import dataclasses
import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from recenv.causal.distil import TOLERANCE, distil
from recenv.causal.exposure import inverse_propensity_weights
from recenv.causal.factors import Factors
from recenv.causal.fit_checkpoint import FitCheckpoint, settings_of
from recenv.causal.link import Link, Scored, fit_link, linked
from recenv.causal.ordinal import OrdinalFactors, normalise
from recenv.protocol import Ratings, ResponseData, ResponseModel

Utility = Callable[[NDArray[np.integer], NDArray[np.integer]], NDArray[np.float64]]


class FittedResponse(NamedTuple):
    """A fitted utility in the form that a world keeps."""

    factors: OrdinalFactors
    """In units of the logistic noise."""
    link: Link
    """What put the model's utility into these units."""
    distillation_rmse: float | None
    """Root mean squared error of the factors' utility over all pairs, in the same units; None where they are exact."""

    def facts(self) -> dict[str, Any]:
        """Return what the validation card tells."""
        return {
            "dims": self.factors.taste.shape[1],
            "link_slope": self.link.slope,
            "link_ratings": self.link.rows,
            "distillation_rmse": self.distillation_rmse,
        }


def fit_response(
    model: ResponseModel,
    data: ResponseData,
    *,
    max_dims: int,
    rng: np.random.Generator,
    device: str,
    progress: Callable[[int, int, str], None] | None,
    reweigh: float | None = None,
    checkpoint: str | Path | None = None,
    resume: bool = True,
) -> FittedResponse:
    """Fit the model and put its utility into a world's form.

    `reweigh` weights the link's ratings by inverse propensities, clipped at this quantile: for a model that learns from
    unweighted ratings because it knows how they were selected, which the link does not. `checkpoint` is a folder from
    which a training that was killed goes on, unless `resume` is False.

    Raises
    ------
    TypeError
        If the model's training cannot be kept in a checkpoint.
    ValueError
        If the model's factors have the wrong shape, its utilities are not finite, or the checkpoint is of another fit.
    """
    kept = {} if checkpoint is None else {"checkpoint": _checkpoint(model, data, rng, device, checkpoint, resume)}
    model.fit(data, rng=rng, device=device, progress=progress, **kept)
    if reweigh is not None:
        data = _reweighted(data, reweigh)
    if hasattr(model, "factors"):
        factors = _checked(model.factors(), data)
        link = _own_link(model) or _link(factors.utility, data)
        return FittedResponse(normalise(linked(factors, link)), link, None)
    unit = 1.0 / max(_link(model.utility, data).slope, 1e-9)
    found = distil(model, data.n_users, data.n_items, tolerance=TOLERANCE * unit, max_dims=max_dims, rng=rng)
    link = _link(found.factors.utility, data)
    return FittedResponse(normalise(linked(found.factors, link)), link, link.slope * found.rmse)


def _checkpoint(
    model: ResponseModel,
    data: ResponseData,
    rng: np.random.Generator,
    device: str,
    folder: str | Path,
    resume: bool,
) -> FitCheckpoint:
    """Return the checkpoint of this training."""
    if "checkpoint" not in inspect.signature(model.fit).parameters:
        raise TypeError(
            f"checkpoint is given, and {type(model).__name__}.fit takes none, so its training cannot be kept: "
            "leave checkpoint out"
        )
    return FitCheckpoint(folder, settings_of(model, data, rng, device), resume=resume)


def _checked(given: tuple[NDArray[np.floating], ...], data: ResponseData) -> Factors:
    """Return a model's factors as float64; refuse those of a wrong shape or with numbers that are not finite."""
    factors = Factors(*(np.asarray(array, np.float64) for array in given))
    dims = factors.taste.shape[-1]
    shapes = ((data.n_users, dims), (data.n_items, dims), (data.n_users,), (data.n_items,))
    for name, array, shape in zip(Factors._fields, factors, shapes, strict=True):
        if array.shape != shape or not np.isfinite(array).all():
            raise ValueError(f"the model's factors(): {name} must be finite, of shape {shape}; got {array.shape}")
    return factors


def _own_link(model: ResponseModel) -> Link | None:
    """Return the link of a model whose factors are in units of the logistic noise, with thresholds of their own."""
    thresholds = getattr(model, "thresholds", None)
    return None if thresholds is None else Link(1.0, np.asarray(thresholds, np.float64), 0)


def _link(utility: Utility, data: ResponseData) -> Link:
    return fit_link(_scored(utility, data.train), _scored(utility, data.validation), len(data.scale))


def _reweighted(data: ResponseData, clip_quantile: float) -> ResponseData:
    """Return the data with each rating weighted by its inverse propensity too."""
    assert data.propensity is not None
    propensity = data.propensity

    def weighted(ratings: Ratings) -> Ratings:
        p = propensity(ratings.user, ratings.item)
        return ratings._replace(weight=ratings.weight * inverse_propensity_weights(p, clip_quantile=clip_quantile))

    return dataclasses.replace(data, train=weighted(data.train), validation=weighted(data.validation))


def _scored(utility: Utility, ratings: Ratings) -> Scored:
    """Return ratings beside their utility."""
    user, item, level, weight = ratings[:4]
    value = np.asarray(utility(user, item), np.float64)
    if value.shape != user.shape or not np.isfinite(value).all():
        raise ValueError(
            f"the response model's utility() must return one finite number a pair, shape {user.shape}; "
            f"got shape {value.shape}, {np.sum(~np.isfinite(value))} of them not finite"
        )
    return Scored(value, level, weight)
