"""The link: any increasing scale of liking, put into units of the logistic noise.

P(rating <= l) = sigmoid(tau_l - slope utility): weighted proportional odds (`mccullagh1980regression`). The slope >= 0
is the one that ratings which the model has not seen make most likely, so it takes back the overconfidence of a model
that fits its training ratings too well; for every slope the thresholds are those that fit the many training ratings.
It serves every response model alike, whatever loss it was trained with.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from recenv.causal.factors import Factors
from recenv.causal.ordinal import OrdinalFactors

LEAST_ROWS = 100
"""Validation ratings, below which the slope too comes from the training ratings."""
BINS = 100
"""A deviation of the utility; ratings in one bin count as one."""
LEAST_GAP = 1e-3
"""Between neighbouring thresholds."""
LARGEST_SPREAD = 10.0
"""Deviation of the utility in noise units: the least log can be told apart without error, and asks for infinity."""


class Scored(NamedTuple):
    """Ratings beside their utility."""

    utility: NDArray[np.float64]
    """(n,) on the model's own scale."""
    level: NDArray[np.integer]
    """(n,) 1..L."""
    weight: NDArray[np.float64]
    """(n,) 0 or more."""


class Link(NamedTuple):
    """Slope and thresholds of one scale of utility."""

    slope: float
    """Logistic noise units a unit of utility."""
    thresholds: NDArray[np.float64]
    """(L - 1,) ascending."""
    rows: int
    """Unseen ratings that decided the slope; 0 if there were too few."""


def fit_link(train: Scored, held: Scored, levels: int) -> Link:
    """Return the link of one scale of utility.

    Parameters
    ----------
    train
        Ratings that the model has learned from.
    held
        Ratings that it has not; fewer than `LEAST_ROWS` are not used.
    levels
        L.
    """
    train = binned(train)
    link = most_likely(train, levels)
    if len(held.level) < LEAST_ROWS or link.slope == 0.0:
        return link
    from scipy.optimize import minimize_scalar

    def loss(factor: float) -> float:
        found = most_likely(train, levels, slope=factor * link.slope)
        return log_loss(held, found)

    factor = minimize_scalar(loss, bounds=(0.0, 2.0), method="bounded", options={"xatol": 5e-3}).x
    return most_likely(train, levels, slope=float(factor) * link.slope)._replace(rows=len(held.level))


def binned(scored: Scored) -> Scored:
    """Return one row a level and bin of utility, with the sum of their weights: a thousandth of a large log's rows."""
    least = 1e-12 * max(1.0, float(np.abs(scored.utility).max(initial=0.0)))
    width = max(float(scored.utility.std()), least) / BINS
    levels = int(scored.level.max(initial=0)) + 1
    place = np.round(scored.utility / width).astype(np.int64) * levels + scored.level
    kinds, group = np.unique(place, return_inverse=True)
    weight = np.bincount(group, weights=scored.weight).astype(np.float64)
    bin_, level = np.divmod(kinds, levels)
    return Scored(bin_ * width, level, weight)


def most_likely(scored: Scored, levels: int, *, slope: float | None = None) -> Link:
    """Maximise the weighted likelihood over the thresholds, and over the slope where none is given.

    One rating of each level at the mean utility is added, so that a level which does not occur keeps a probability.
    The problem is concave: one maximum.
    """
    from scipy.optimize import minimize

    centre = float(np.average(scored.utility, weights=scored.weight))
    spread = float(np.sqrt(np.average((scored.utility - centre) ** 2, weights=scored.weight)))
    if spread < 1e-6 * max(1.0, abs(centre)):  # the ratings meet one utility: they say nothing of the slope
        spread, slope = 1.0, 1.0 if slope is None else slope
    x = np.concatenate([(scored.utility - centre) / spread, np.zeros(levels)])
    y = np.concatenate([scored.level, np.arange(1, levels + 1)]).astype(np.int64)
    w = np.concatenate([scored.weight, np.ones(levels)])
    cuts = np.cumsum(np.bincount(y - 1, weights=w, minlength=levels) / w.sum())[:-1]
    tau = np.log(cuts / (1 - cuts))
    fixed = (0.0, LARGEST_SPREAD) if slope is None else (slope * spread, slope * spread)
    start = np.concatenate([[1.0 if slope is None else slope * spread], tau[:1], np.diff(tau)])
    bounds = [fixed, (None, None), *[(LEAST_GAP, None)] * (levels - 2)]
    found = minimize(_loss, start, args=(x, y, w), jac=True, method="L-BFGS-B", bounds=bounds).x
    own = float(found[0]) / spread
    return Link(own, np.cumsum(found[1:]) + own * centre, 0)


def log_loss(scored: Scored, link: Link) -> float:
    """Return the weighted mean of -log P(level)."""
    parameters = np.concatenate([[link.slope], link.thresholds[:1], np.diff(link.thresholds)])
    return _loss(parameters, scored.utility, scored.level.astype(np.int64), scored.weight)[0]


def _loss(
    parameters: NDArray[np.float64], x: NDArray[np.float64], y: NDArray[np.int64], w: NDArray[np.float64]
) -> tuple[float, NDArray[np.float64]]:
    """Return the weighted mean of -log P(level) and its gradient by (slope, first threshold, gaps)."""
    slope, tau = parameters[0], np.cumsum(parameters[1:])
    edge = np.concatenate([[-np.inf], tau, [np.inf]])
    upper, lower = _sigmoid(edge[y] - slope * x), _sigmoid(edge[y - 1] - slope * x)
    probability = np.maximum(upper - lower, 1e-300)
    by_upper, by_lower = w * upper * (1 - upper) / probability, w * lower * (1 - lower) / probability
    by_tau = (np.bincount(y, by_upper, len(tau) + 2) - np.bincount(y - 1, by_lower, len(tau) + 2))[1:-1]
    by_slope = -float((by_upper - by_lower) @ x)
    gradient = np.concatenate([[by_slope], np.cumsum(by_tau[::-1])[::-1]])
    return -float(w @ np.log(probability)) / w.sum(), -gradient / w.sum()


def _sigmoid(z: NDArray[np.float64]) -> NDArray[np.float64]:
    return 1.0 / (1.0 + np.exp(np.clip(-z, -700.0, 700.0)))


def linked(factors: Factors, link: Link) -> OrdinalFactors:
    """Return the factors in units of the logistic noise, with the thresholds."""
    taste, embedding, user_bias, item_bias = factors
    root = np.sqrt(link.slope)
    return OrdinalFactors(
        root * taste, root * embedding, link.slope * user_bias, link.slope * item_bias, link.thresholds
    )
