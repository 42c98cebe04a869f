"""Fit a world to a ratings log: exposure -> weighted ordinal factorisation -> topics, popularity -> abduction."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from recenv.causal.abduction import abduct
from recenv.causal.behaviour import Behaviour
from recenv.causal.card import validation_card
from recenv.causal.exposure import ExposureModel, fit_exposure, inverse_propensity_weights
from recenv.causal.ordinal import OptimiserConfig, OrdinalFactors, RatingRows, fit_ordinal
from recenv.causal.pairs import FIRST, SECOND, LoggedPairs
from recenv.causal.popularity import conformity_popularity
from recenv.causal.topics import comfort_loading, topics_from_embedding, topics_from_genres
from recenv.causal.visible import visible_features
from recenv.causal.world import World

if TYPE_CHECKING:
    from recenv.data import RatingsLog

MAX_LEVELS = 20
WEIGHTINGS = ("snips", "naive")


@dataclass(frozen=True)
class FitConfig:
    """What is fitted and how; how to run it (seed, device, progress) is passed apart."""

    first_share: float = 0.7
    """Share of each user's ratings that policies, features and the fit may see; 1 keeps nothing apart."""
    weighting: str = "snips"
    """"snips": ratings weighted by inverse propensity against missing-not-at-random; "naive": all alike."""
    clip_quantile: float = 0.3
    """Propensities below this quantile are raised to it; chosen on the split of ML-100k with seed 100."""
    dims: int = 16
    """D, taste dimensions."""
    factor_penalty: float = 9.0
    """Prior precision of taste and embedding."""
    bias_penalty: float = 1.5
    """Prior precision of the biases."""
    learning_rate: float = 0.02
    """Of Adam."""
    epochs: int = 200
    """At most; the best validation epoch is kept."""
    patience: int = 8
    """Epochs without improvement before stopping."""
    batch: int = 4096
    """Ratings a gradient step."""
    validation_share: float = 0.1
    """Share of the first part that only decides when to stop."""
    clusters: int = 12
    """Topics, where the log has no genres."""
    like_level: int | None = None
    """Lowest liked level; None: 4 of 5, else the level whose share is nearest to the top third of the log."""
    ordered: bool = False
    """The order of the log is the order of consumption: abduct along the trajectory, mechanisms on."""
    behaviour: Behaviour = field(default_factory=Behaviour)
    """Mechanism strengths that a ratings log cannot identify: assumptions."""

    def __post_init__(self) -> None:
        """Refuse values that cannot work, by name."""
        if not 0.1 <= self.first_share <= 1.0:
            raise ValueError(f"first_share must be in [0.1, 1], got {self.first_share}")
        if self.weighting not in WEIGHTINGS:
            raise ValueError(f"weighting must be one of {', '.join(WEIGHTINGS)}, got {self.weighting!r}")
        for name in ("dims", "epochs", "patience", "batch", "clusters"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 1, got {getattr(self, name)}")
        for name in ("factor_penalty", "bias_penalty"):
            if not 0.0 <= getattr(self, name) < math.inf:
                raise ValueError(f"{name} must be 0 or more, got {getattr(self, name)}")
        if not 0.0 < self.learning_rate < math.inf:
            raise ValueError(f"learning_rate must be above 0, got {self.learning_rate}")
        if not 0.0 <= self.clip_quantile <= 1.0:
            raise ValueError(f"clip_quantile must be in [0, 1], got {self.clip_quantile}")
        if not 0.0 < self.validation_share < 0.9:
            raise ValueError(f"validation_share must be in (0, 0.9), got {self.validation_share}")
        if self.like_level is not None and self.like_level < 2:
            raise ValueError(f"like_level must be 2 or more, or every rating is liked; got {self.like_level}")


class Labels(NamedTuple):
    """A log's ratings as levels."""

    scale: NDArray[np.float64]
    """(L,) rating values."""
    level: NDArray[np.int8]
    """(n,) 1..L."""


def fit_world(
    log: Any,
    config: FitConfig | None = None,
    *,
    seed: int = 0,
    device: str = "cpu",
    progress: Callable[[int, int, str], None] | None = None,
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
    device
        Torch device of the factorisation.
    progress
        Called as (step, steps, text) while the factorisation runs.

    Raises
    ------
    ValueError
        If an option is unknown or out of range, or the log has more rating values than an ordinal model can use.
    """
    from recenv.data import load_log
    from recenv.data.fingerprint import coded_fingerprint

    log = load_log(log)
    config = _configure(config, options)
    labels = rating_levels(log)
    levels = len(labels.scale)
    if config.like_level is not None and config.like_level > levels:
        raise ValueError(f"like_level is {config.like_level}, but the log has {levels} levels: nothing would be liked")
    rng = np.random.default_rng([seed, 10])
    pairs = LoggedPairs.from_rows(log.user, log.item, labels.level, _split(log, config.first_share, seed))
    first = pairs.only(FIRST)
    if len(first) < 2:
        raise ValueError(f"{len(first)} of {len(log)} ratings fell into the first part: too few to fit a world to")
    topic, topic_names = topics_from_genres(log.genres) if any(log.genres) else (None, ())
    exposure = fit_exposure(first.user, first.item, log.n_users, log.n_items)
    weight = _weights(first, exposure, config)
    factors = _factorise(first, weight, (log.n_users, log.n_items, levels), config, rng, device, progress)
    if topic is None:
        topic, topic_names = topics_from_embedding(factors.embedding, config.clusters, seed)
    visible = visible_features(first.user, first.item, labels.scale[first.level - 1], topic, log.n_users)
    halves = {"first": first, "second": pairs.only(SECOND)}
    world = World(
        name=log.name,
        seed=seed,
        **factors._asdict(),
        popularity=conformity_popularity(visible.item_counts, factors.item_bias),
        topic=topic,
        comfort=comfort_loading(topic),
        scale=labels.scale,
        like_level=config.like_level or default_like_level(pairs.level, levels),
        trust_start=float((first.level.mean() - 1) / (levels - 1)),
        user_features=visible.user,
        item_features=visible.item,
        item_counts=visible.item_counts,
        pairs=pairs,
        user_ids=np.asarray(log.user_ids, dtype=np.str_),
        item_ids=np.asarray(log.item_ids, dtype=np.str_),
        titles=tuple(log.titles) or tuple(f"Item {name}" for name in log.item_ids),
        topic_names=topic_names,
        behaviour=config.behaviour,
        fingerprints={
            name: coded_fingerprint(log.user_ids, half.user.astype(np.int64), log.item_ids, half.item.astype(np.int64))
            for name, half in halves.items()
        },
    )
    world = abduct(world, ordered=config.ordered)
    return dataclasses.replace(world, card=validation_card(world, config, exposure, weight))


def _configure(config: FitConfig | None, options: dict[str, Any]) -> FitConfig:
    known = [item.name for item in dataclasses.fields(FitConfig)]
    for name in options:
        if name not in known:
            raise ValueError(f"unknown option {name!r}; World.fit takes {', '.join(known)}, seed, device and progress")
    return dataclasses.replace(config or FitConfig(), **options)


def rating_levels(log: RatingsLog) -> Labels:
    """Return the log's ratings as levels 1..L of its distinct values.

    Raises
    ------
    ValueError
        If there are more than 20 distinct values (the scale is continuous and has to be cut first), or only one.
    """
    scale = np.array(log.levels)
    if len(scale) < 2:
        raise ValueError(f"every rating is {scale[0]:g}: there is nothing to learn from a log with one rating value")
    if len(scale) > MAX_LEVELS:
        raise ValueError(
            f"rating has {len(scale)} distinct values, more than the {MAX_LEVELS} that an ordinal model can use: "
            "cut it into levels first, log.discretise(10), or --levels 10 on the command line"
        )
    return Labels(scale, (np.searchsorted(scale, log.rating) + 1).astype(np.int8))


def default_like_level(level: NDArray[np.integer], levels: int) -> int:
    """Return 4 on five levels, else the level whose share of ratings at or above it is nearest to one third."""
    if levels == 5:
        return 4
    share = [np.mean(level >= least) for least in range(2, levels + 1)]
    return 2 + int(np.argmin(np.abs(np.array(share) - 1 / 3)))


def _split(log: RatingsLog, first_share: float, seed: int) -> NDArray[np.int8]:
    """Return (n,) FIRST or SECOND for each row of the log."""
    from recenv.data.splits import first_part

    if first_share == 1.0:
        return np.full(len(log), FIRST, np.int8)
    return np.where(first_part(log, first_share, seed=seed), FIRST, SECOND).astype(np.int8)


def _weights(first: LoggedPairs, exposure: ExposureModel, config: FitConfig) -> NDArray[np.float64]:
    """Return the weight of each rating of the first part, with mean 1."""
    if config.weighting == "naive":
        return np.ones(len(first))
    propensity = exposure.propensity(first.user, first.item)
    return inverse_propensity_weights(propensity, clip_quantile=config.clip_quantile)


def _factorise(
    first: LoggedPairs,
    weight: NDArray[np.float64],
    shape: tuple[int, int, int],
    config: FitConfig,
    rng: np.random.Generator,
    device: str,
    progress: Callable[[int, int, str], None] | None,
) -> OrdinalFactors:
    held = rng.random(len(first)) < config.validation_share
    held[rng.permutation(len(first))[:2]] = [True, False]  # in a tiny log too, neither side is empty
    rows = RatingRows(first.user, first.item, first.level, weight)
    optimiser = OptimiserConfig(**{name: getattr(config, name) for name in OptimiserConfig._fields})

    def report(epoch: int, score: float) -> None:
        if progress is not None:
            progress(epoch + 1, config.epochs, f"log-loss {score:.4f}")

    return fit_ordinal(
        RatingRows._make(column[~held] for column in rows),
        RatingRows._make(column[held] for column in rows),
        shape,
        optimiser,
        rng=rng,
        device=device,
        on_epoch=report,
    )
