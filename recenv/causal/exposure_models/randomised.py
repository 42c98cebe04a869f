"""Exposure that depends on the rating itself, learned from ratings of randomly drawn pairs.

P(O_ui = 1 | r_ui) = s sigmoid(d_u + c_i + b r_ui), where s is the share of the log that the fit sees. The self-selected
log alone does not identify b: nobody knows the ratings that were not given. Ratings of randomly drawn pairs do, since
among them both outcomes of O are seen beside the rating: b maximises the likelihood of "is this random pair in the
log?". For every b the effects of users and items follow from the log alone, by calibration (Deville & Sarndal 1992,
`deville1992calibration`): weights 1 / P of a user's ratings sum to the number of items, those of an item's ratings to
the number of users,

    sum_{i: O=1} 1 / P_ui = N,    sum_{u: O=1} 1 / P_ui = U,    s / P = 1 + exp(-d_u - c_i - b r_ui)

which is iterative proportional fitting of exp(-d) and exp(-c) over the log's ratings. So no cell outside the two logs
is ever touched. The random ratings are also rows of the fit, where low ratings are not rare: see `join_random`.
Assumption: the selection is a logistic function of the rating, with one slope for everybody.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from recenv.causal.exposure_models.given import Exposure, KnownPropensities, known_propensities

ROUNDS = 30
LARGEST_SLOPE = 4.0
"""In log-odds a standard deviation of the ratings."""
PSEUDO = 6.0
"""Ratings at the common weight that are added to each user's and item's own; of 0, 1, 3, 6, 12 tried on made logs."""


class RatedPairs(NamedTuple):
    """Pairs and how they were rated."""

    user: NDArray[np.integer]
    """(n,)."""
    item: NDArray[np.integer]
    """(n,)."""
    level: NDArray[np.integer]
    """(n,) 1..L."""


class SelectionModel(NamedTuple):
    """P(O = 1 | rating), and for pairs without one its mean over the ratings of random pairs."""

    user: NDArray[np.float64]
    """(U,) d_u."""
    item: NDArray[np.float64]
    """(N,) c_i."""
    slope: float
    """b, in log-odds a unit of `score`."""
    score: NDArray[np.float64]
    """(L,) the levels' rating values, standardised over the random pairs."""
    share: NDArray[np.float64]
    """(L,) share of each level among the random pairs."""
    seen: float
    """s."""

    def of_rated(self, pairs: RatedPairs) -> NDArray[np.float64]:
        """Return (n,) P(O = 1 | rating)."""
        logit = self.user[pairs.user] + self.item[pairs.item] + self.slope * self.score[pairs.level - 1]
        return self.seen / (1.0 + np.exp(-logit))

    def given_level(self, users: NDArray[np.integer], items: NDArray[np.integer]) -> NDArray[np.float64]:
        """Return (n, L) P(O = 1 | rating) for every level."""
        logit = (self.user[users] + self.item[items])[:, None] + self.slope * self.score
        return self.seen / (1.0 + np.exp(-logit))

    def propensity(self, users: NDArray[np.integer], items: NDArray[np.integer]) -> NDArray[np.float64]:
        """Return (n,) P(O = 1) of pairs whose rating is not known."""
        return self.given_level(users, items) @ self.share


def fit_randomised(
    logged: RatedPairs,
    random: RatedPairs,
    scale: NDArray[np.float64],
    n_users: int,
    n_items: int,
    *,
    seen: float,
) -> SelectionModel:
    """Return how the log was selected: the most likely slope, and the effects of users and items that follow from it.

    Parameters
    ----------
    logged
        The self-selected ratings that the fit sees.
    random
        Ratings of pairs that were drawn at random, whether or not they are logged too.
    scale
        (L,) rating value of each level.
    seen
        s, in (0, 1].

    Raises
    ------
    ValueError
        If none or all of the random pairs are in the log, so that there is nothing to compare.
    """
    key, asked = (np.asarray(p.user, np.int64) * n_items + p.item for p in (logged, random))
    inside = np.isin(asked, key)
    if inside.all() or not inside.any():
        which = "all" if len(inside) and inside.all() else "none"
        raise ValueError(
            f"{which} of the {len(inside)} randomised pairs are in the log's first part: draw the pairs at random from "
            "all users and items, also those that were rated already, and rate them all"
        )
    values = scale[random.level - 1]
    score = (scale - values.mean()) / max(values.std(), 1e-9)
    share = np.bincount(random.level - 1, minlength=len(scale)) / len(values)
    model = SelectionModel(np.zeros(n_users), np.zeros(n_items), 0.0, score, share, seen)
    return _most_likely(model, logged, random, inside)


def _typed(model: Exposure) -> Exposure:
    return model


class Union(NamedTuple):
    """P(a pair is among the rows of the fit): logged and seen, or drawn at random and not logged at all.

    P = p + (1 - p / s) q, which with s = 1 is 1 - (1 - p)(1 - q).
    """

    selection: SelectionModel
    """p and s."""
    drawn: float
    """q, share of all pairs that were drawn at random."""

    def given_level(self, users: NDArray[np.integer], items: NDArray[np.integer]) -> NDArray[np.float64]:
        """Return (n, L) P for every level."""
        p = self.selection.given_level(users, items)
        return p + (1.0 - p / self.selection.seen) * self.drawn

    def propensity(self, users: NDArray[np.integer], items: NDArray[np.integer]) -> NDArray[np.float64]:
        """Return (n,) P of pairs whose rating is not known."""
        return self.given_level(users, items) @ self.selection.share


def join_random(
    logged: RatedPairs, random: RatedPairs, selection: SelectionModel, log_key: NDArray[np.int64]
) -> tuple[RatedPairs, KnownPropensities]:
    """Return the rows of the fit, logged ones first, then random ones that are not logged; and their propensities.

    A row's propensity is that of standing in either log. P(row | level), which a likelihood needs, is of how it came to
    be one: p of a logged row; 1 - p / s, not being logged, of a random one.

    Parameters
    ----------
    logged
        The self-selected ratings that the fit sees.
    random
        Ratings of pairs drawn at random; a pair that is in the log is left out, also one that the fit does not see.
    selection
        How the log was selected, from `fit_randomised`.
    log_key
        user * N + item of all rows of the log.
    """
    n_users, n_items = len(selection.user), len(selection.item)
    key, first = np.unique(np.asarray(random.user, np.int64) * n_items + random.item, return_index=True)
    new = first[~np.isin(key, log_key)]
    rows = RatedPairs(*(np.concatenate([a, b[new]]) for a, b in zip(logged, random, strict=True)))
    union = Union(selection, len(key) / (n_users * n_items))
    known = union.given_level(rows.user, rows.item)[np.arange(len(rows.user)), rows.level - 1]
    by_level = selection.given_level(rows.user, rows.item)
    by_level[len(logged.user) :] = 1.0 - by_level[len(logged.user) :] / selection.seen
    anywhere = selection.given_level
    return rows, known_propensities(rows.user, rows.item, known, n_items, _typed(union), by_level, anywhere)


def _most_likely(
    model: SelectionModel, logged: RatedPairs, random: RatedPairs, inside: NDArray[np.bool_]
) -> SelectionModel:
    """Return the model whose slope makes the random pairs' being logged or not most likely."""
    from scipy.optimize import minimize_scalar

    def loss(slope: float) -> float:
        p = np.clip(_calibrated(model._replace(slope=slope), logged).of_rated(random), 1e-12, 1 - 1e-12)
        return -float(np.log(np.where(inside, p, 1 - p)).sum())

    slope = minimize_scalar(loss, bounds=(-LARGEST_SLOPE, LARGEST_SLOPE), method="bounded", options={"xatol": 1e-3}).x
    return _calibrated(model._replace(slope=float(slope)), logged)


def _calibrated(model: SelectionModel, logged: RatedPairs) -> SelectionModel:
    """Return the model with d and c such that inverse propensities sum to N a user and U an item."""
    n_users, n_items = len(model.user), len(model.item)
    tilt = np.exp(-model.slope * model.score)[logged.level - 1]
    odds = max(model.seen * n_users * n_items - len(tilt), 0.5) / tilt.sum()  # exp(-d - c) of a common user and item
    by_user, by_item = np.full(n_users, odds), np.ones(n_items)
    for _ in range(ROUNDS):
        by_user = _balanced(logged.user, tilt * by_item[logged.item], odds, n_users, model.seen * n_items)
        by_item = _balanced(logged.item, tilt * by_user[logged.user], 1.0, n_items, model.seen * n_users)
    return model._replace(user=-np.log(by_user), item=-np.log(by_item))


def _balanced(
    own: NDArray[np.integer], weight: NDArray[np.float64], common: float, n_own: int, logged: float
) -> NDArray[np.float64]:
    """Return (own,) exp(-effect) with which each one's weights sum to its pairs that are not logged.

    `logged` is how many pairs of each the fit would see if all were logged.
    `PSEUDO` ratings whose weight agrees with the common effect keep those with few ratings near it.
    """
    counts = np.bincount(own, minlength=n_own)
    missing = np.maximum(logged - counts, 0.5)
    prior = PSEUDO * missing / np.maximum(counts, 1) / common
    return (missing + common * prior) / (np.bincount(own, weights=weight, minlength=n_own) + prior)
