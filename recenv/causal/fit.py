"""Fit a world to a ratings log: exposure -> weights -> response model -> link -> topics, popularity -> abduction."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from recenv.causal.abduction import abduct
from recenv.causal.card import validation_card
from recenv.causal.exposure import fit_exposure
from recenv.causal.exposure_models.given import (
    ByLevel,
    ComputedByLevel,
    Exposure,
    KnownPropensities,
    checked_by_level,
    known_propensities,
)
from recenv.causal.exposure_models.randomised import RatedPairs, fit_randomised, join_random
from recenv.causal.exposure_models.registry import Observed, make_exposure
from recenv.causal.fit_config import FitConfig, configure
from recenv.causal.levels import Labels, chosen_like_level, rating_levels
from recenv.causal.pairs import FIRST, SECOND, LoggedPairs
from recenv.causal.popularity import conformity_popularity
from recenv.causal.response_fit import FittedResponse, fit_response
from recenv.causal.response_models.registry import make_response_model
from recenv.causal.side_information import side_information
from recenv.causal.topics import comfort_loading, topics_from_embedding, topics_from_genres
from recenv.causal.visible import visible_features
from recenv.causal.weighting import CLIP_GUESSED, CLIP_KNOWN, CLIP_SELECTED, CLIP_TOTAL, rating_weights
from recenv.causal.world import World
from recenv.protocol import Ratings, ResponseData, ResponseModel

if TYPE_CHECKING:
    from recenv.data import RatingsLog

Topics = tuple[NDArray[np.float64], tuple[str, ...]]


class Resample(NamedTuple):
    """What makes one member of an ensemble differ from the others."""

    member: int
    """Its number."""
    reweighted: bool
    """Whether it is fitted to a bootstrap resample."""
    topics: Topics | None
    """Those of the first member, so that an agent sees the same features in every world."""


def fit_world(
    log: Any,
    config: FitConfig | None = None,
    *,
    seed: int = 0,
    randomised: Any = None,
    device: str = "cpu",
    progress: Callable[[int, int, str], None] | None = None,
    checkpoint: str | Path | None = None,
    resume: bool = True,
    resample: Resample | None = None,
    **options: Any,
) -> World:
    """Fit a world; see `World.fit`.

    Parameters
    ----------
    log
        A `RatingsLog`, or what `recenv.data.load_log` reads.
    config, options
        A `FitConfig`, and fields that replace some of its values.
    seed
        World seed: decides the split, the start values and the opinion noise.
    randomised
        Ratings of randomly drawn pairs, with the log's ids: they identify how the selection depends on the rating.
    device
        Torch device of the response model.
    progress
        Called as (step, steps, text) while the response model is fitted.
    checkpoint
        Folder in which the training of the response model is kept. A fit that was killed and is called again in the
        same way goes on from there, to the same world bit for bit.
    resume
        Whether to go on from what the folder holds; False begins anew.
    resample
        Set by `World.ensemble`.

    Raises
    ------
    ValueError
        If an option is unknown or out of range, or the log has more rating values than an ordinal model can use.
    """
    from recenv.data import load_log

    config = configure(config, options)
    _check_run(seed, device)
    log = load_log(log)
    labels = rating_levels(log)
    like_level = chosen_like_level(config.like_level, labels.level, len(labels.scale))
    model = make_response_model(config.response, config.model_options())
    rng = np.random.default_rng([seed, 10] if resample is None else [seed, 10, resample.member])
    pairs = LoggedPairs.from_rows(log.user, log.item, labels.level, _split(log, config.first_share, seed))
    first = pairs.only(FIRST)
    if len(first) < 2:
        raise ValueError(f"{len(first)} of {len(log)} ratings fell into the first part: too few to fit a world to")
    seen = _observed(log, first, labels.scale, _reads_features(model, config))
    rated, exposure = _rated_and_exposed(log, first, labels, seen, config, randomised)
    clip = _clip_quantile(config, randomised)
    weight = rating_weights(
        exposure.propensity(rated.user, rated.item),
        config.weighting,
        clip_quantile=clip,
        cells=log.n_users * log.n_items,
    )
    if resample is not None and resample.reweighted:
        weight = weight * bootstrap_weights(len(weight), rng)
    order = np.concatenate([first.order, np.arange(len(rated.user) - len(first)) + first.order.max() + 1])
    data = _response_data(log, rated, order, labels.scale, weight, seen, exposure, config.validation_share, rng)
    missing = _of_missing(config.weighting, exposure)
    if missing:
        model = make_response_model(config.response, config.model_options(**missing))
    response = fit_response(
        model,
        data,
        max_dims=config.max_dims,
        rng=rng,
        device=device,
        progress=progress,
        reweigh=clip if missing else None,
        checkpoint=checkpoint,
        resume=resume,
    )
    topics = (
        _topics(log, response, config.clusters, seed) if resample is None or not resample.topics else resample.topics
    )
    world = _assemble(log, labels, pairs, response, topics, seed)
    world = abduct(
        dataclasses.replace(world, like_level=like_level, behaviour=config.behaviour), ordered=config.ordered
    )
    recorded = dataclasses.replace(config, response=config.response_name, clip_quantile=clip)
    facts = {"name": config.response_name, **response.facts()}
    return dataclasses.replace(world, card=validation_card(world, recorded, exposure, weight, response=facts))


def _check_run(seed: int, device: str) -> None:
    """Refuse a seed or a device that cannot be used, by name, before anything is read."""
    if isinstance(seed, bool) or not isinstance(seed, int | np.integer) or seed < 0:
        raise ValueError(f"seed must be a whole number of at least 0, got {seed!r}")
    _check_device(device)


def _check_device(device: str) -> None:
    import torch

    kind, _, number = str(device).partition(":")
    there = torch.cuda.device_count()
    if kind == "cuda" and not int(number or 0) < there:
        raise ValueError(f"device is {device!r}, and torch finds {there} CUDA devices here: use device='cpu'")


def _split(log: RatingsLog, first_share: float, seed: int) -> NDArray[np.int8]:
    """Return (n,) FIRST or SECOND for each row of the log."""
    from recenv.data.splits import first_part

    if first_share == 1.0:
        return np.full(len(log), FIRST, np.int8)
    return np.where(first_part(log, first_share, seed=seed), FIRST, SECOND).astype(np.int8)


def _reads_features(model: ResponseModel, config: FitConfig) -> bool:
    """Say whether anything in the fit reads side information; else its columns need no warning."""
    by_exposure = isinstance(config.exposure, str) and config.exposure in ("features", "self_selection")
    return by_exposure or bool(getattr(model, "reads_features", True))


def _observed(log: RatingsLog, first: LoggedPairs, scale: NDArray[np.float64], features: bool) -> Observed:
    side = side_information(log) if features else (None, None)
    return Observed(first.user, first.item, log.n_users, log.n_items, *side, first.level, scale)


def _rated_and_exposed(
    log: RatingsLog, first: LoggedPairs, labels: Labels, seen: Observed, config: FitConfig, randomised: Any
) -> tuple[RatedPairs, Exposure]:
    """Return the rows of the fit, with randomised ratings where there are some, and how they came to be among them."""
    rated = RatedPairs(first.user, first.item, first.level)
    if randomised is None:
        function = config.exposure if callable(config.exposure) else None
        given = config.exposure if function is None else np.asarray(function(log.user, log.item))
        if isinstance(given, np.ndarray) and given.ndim == 2:
            return rated, _known_by_level(log, labels, seen, given, function)
        # A generator of its own: the choice of exposure model leaves the start values of the response model alone.
        return rated, make_exposure(config.exposure, seen, (log.user, log.item), np.random.default_rng(11))
    if not (isinstance(config.exposure, str) and config.exposure == "rasch"):
        raise ValueError("randomised ratings and an exposure are given: both say how pairs were selected; drop one")
    random = random_pairs(randomised, log, labels.scale)
    selection = fit_randomised(rated, random, labels.scale, log.n_users, log.n_items, seen=len(first) / len(log))
    return join_random(rated, random, selection, np.asarray(log.user, np.int64) * log.n_items + log.item)


def _known_by_level(
    log: RatingsLog, labels: Labels, seen: Observed, exposure: NDArray[np.floating], function: ByLevel | None
) -> KnownPropensities:
    """Return the given propensities of each row and level of the log, and of any pair where there is a function."""
    share, levels = len(seen.user) / len(log), len(labels.scale)
    by_level = share * checked_by_level(exposure, len(log), levels)
    known = by_level[np.arange(len(log)), labels.level - 1]
    anywhere = None if function is None else ComputedByLevel(function, share, levels).given_level
    return known_propensities(log.user, log.item, known, log.n_items, fit_exposure(*seen.pairs), by_level, anywhere)


def _of_missing(weighting: str, exposure: Exposure) -> dict[str, Callable[..., NDArray[np.float64]]]:
    """Return what a likelihood of missing ratings needs, by (users, items); nothing where ratings are weighted."""
    if weighting not in ("likelihood", "full_likelihood"):
        return {}
    if not isinstance(exposure, KnownPropensities):
        raise ValueError(
            f"weighting={weighting!r} needs P(rated | level): give exposure as (n, L) or as a function of users and "
            "items that returns it, or randomised ratings"
        )
    if weighting == "likelihood":
        return {"selection": exposure.given_level}
    exposure.unrated(np.zeros(1, np.int64), np.zeros(1, np.int64))  # refuses before anything is fitted
    return {"unrated": exposure.unrated}


def _clip_quantile(config: FitConfig, randomised: Any) -> float:
    """Return the quantile: low where the propensities are known and not guessed from the log alone."""
    if config.clip_quantile is not None:
        return config.clip_quantile
    if randomised is not None or not isinstance(config.exposure, str):
        return CLIP_KNOWN
    if config.exposure == "self_selection":
        return CLIP_SELECTED
    return CLIP_GUESSED if config.weighting == "snips" else CLIP_TOTAL


def random_pairs(randomised: Any, log: RatingsLog, scale: NDArray[np.float64]) -> RatedPairs:
    """Return the randomised ratings in the log's codes and levels.

    Raises
    ------
    ValueError
        If a user, an item or a rating value is not one of the log's.
    """
    from recenv.data import load_log

    other = load_log(randomised)
    codes = []
    for role, ids, known, code in (
        ("user", other.user_ids, log.user_ids, other.user),
        ("item", other.item_ids, log.item_ids, other.item),
    ):
        order = np.argsort(known)
        place = order[np.minimum(np.searchsorted(known, ids, sorter=order), len(known) - 1)]
        used = np.unique(code)
        missing = used[known[place[used]] != ids[used]]
        if len(missing):
            raise ValueError(f"randomised has the {role} {str(ids[missing[0]])!r}, which is not in {log.name}")
        codes.append(place[code])
    level = np.minimum(np.searchsorted(scale, other.rating), len(scale) - 1)
    if (strange := scale[level] != other.rating).any():
        value = other.rating[strange][0]
        raise ValueError(f"randomised has the rating {value:g}, which is no level of {log.name}: {scale.tolist()}")
    return RatedPairs(codes[0], codes[1], level + 1)


def bootstrap_weights(rows: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """Return (rows,) weights of a Bayesian bootstrap within users: standard exponentials (`rubin1981bayesian`).

    Every user keeps ratings in every member, so that all members have an opinion of every pair; weights drawn by user
    instead gave worse fits and less spread on made logs of known utilities.
    """
    return rng.exponential(size=rows)


def _response_data(
    log: RatingsLog,
    rated: RatedPairs,
    order: NDArray[np.integer],
    scale: NDArray[np.float64],
    weight: NDArray[np.float64],
    seen: Observed,
    exposure: Exposure,
    validation_share: float,
    rng: np.random.Generator,
) -> ResponseData:
    """Return what the response model may learn from: some rows for validation, the others to train on."""
    n = len(rated.user)
    held = rng.random(n) < validation_share
    held[rng.permutation(n)[:2]] = [True, False]  # in a tiny log too, neither side is empty
    rows = Ratings(*rated, weight, order)
    train, validation = (Ratings._make(column[part] for column in rows) for part in (~held, held))
    return ResponseData(
        train=train,
        validation=validation,
        n_users=log.n_users,
        n_items=log.n_items,
        scale=scale,
        user_features=seen.user_features,
        item_features=seen.item_features,
        titles=tuple(log.titles),
        propensity=exposure.propensity,
    )


def _topics(log: RatingsLog, response: FittedResponse, clusters: int, seed: int) -> Topics:
    if any(log.genres):
        return topics_from_genres(log.genres)
    return topics_from_embedding(response.factors.embedding, clusters, seed)


def _assemble(
    log: RatingsLog, labels: Labels, pairs: LoggedPairs, response: FittedResponse, topics: Topics, seed: int
) -> World:
    """Return the world before abduction."""
    from recenv.data.fingerprint import coded_fingerprint

    first, second = pairs.only(FIRST), pairs.only(SECOND)
    topic, topic_names = topics
    visible = visible_features(first.user, first.item, labels.scale[first.level - 1], topic, log.n_users)
    return World(
        name=log.name,
        seed=seed,
        **response.factors._asdict(),
        popularity=conformity_popularity(visible.item_counts, response.factors.item_bias),
        topic=topic,
        comfort=comfort_loading(topic),
        scale=labels.scale,
        like_level=len(labels.scale),
        trust_start=float((first.level.mean() - 1) / (len(labels.scale) - 1)),
        user_features=visible.user,
        item_features=visible.item,
        item_counts=visible.item_counts,
        pairs=pairs,
        user_ids=np.asarray(log.user_ids, dtype=np.str_),
        item_ids=np.asarray(log.item_ids, dtype=np.str_),
        titles=tuple(log.titles) or tuple(f"Item {name}" for name in log.item_ids),
        topic_names=topic_names,
        fingerprints={
            name: coded_fingerprint(log.user_ids, half.user.astype(np.int64), log.item_ids, half.item.astype(np.int64))
            for name, half in (("first", first), ("second", second))
        },
    )
