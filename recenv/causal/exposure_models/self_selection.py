"""Exposure that depends on the rating itself, where only self-selected ratings are known.

    logit P(O_ui = 1 | r_ui) = k r_ui + x' W z + s_user' z + x' r_item

(x, z: a 1 and the features; see `feature_effects`). Ratings of random pairs identify k (`randomised`). Without them it
is not identified unless something is assumed, and this is the assumption: **users choose by their rating whether or
not we can predict it**, so the slope of choice on the predictable part of the rating, E[r | user, item, features], is
the slope on all of it; what else drives choice (Gaussian effects of users, items and features, as in a mixed logit) is
not a function of the rating. k is then the coefficient of the expected rating in a logistic model of who rated what.
In Heckman's (1979, `heckman1979sample`) terms: the disturbance of the rating enters the choice equation as its mean
does, which takes the place of an instrument.

Two steps: a model of the ratings on features, unweighted, gives the expected rating of every pair (that of a rated pair
from a fit without it); then one penalised likelihood over rated and other cells gives k and the effects. The expected
rating is that of rated pairs, too high for a typical one by much the same everywhere, which the constant takes up.
"""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from recenv.causal.exposure_models.given import KnownPropensities, known_propensities
from recenv.causal.response_models.choices import VARIANCES, Chosen, chosen_cells
from recenv.causal.response_models.effects_fit import Logistic, fit_effects, sigmoid
from recenv.causal.response_models.feature_effects import Effects, Sides
from recenv.causal.response_models.features import EVIDENCE_ROWS, Features
from recenv.protocol import Ratings, ResponseData

FEW_RATINGS = 20_000
FOLDS, REPEATS = 10, 2
"""Of few ratings. k of one division of Coat is .19 to .33, of the mean of two .24 to .26; many ratings need less."""
FOLDS_OF_MANY = 5
SLOPE_VARIANCE = 10.0
"""Prior variance of k, in log-odds a unit of the rating: next to none."""


class SelfSelection(NamedTuple):
    """A fitted selection."""

    slope: float
    """k, in log-odds a unit of the rating."""
    offset: float
    """Log-odds that belong to every pair."""
    sides: Sides
    effects: Effects
    ratings: Features
    """What gives the expected rating of a pair that is not rated."""
    centre: float
    """The rating at which k adds nothing."""

    def of_rated(
        self, users: NDArray[np.integer], items: NDArray[np.integer], rating: NDArray[np.floating]
    ) -> NDArray[np.float64]:
        """Return (n,) P(O = 1 | rating) of pairs with their ratings."""
        logit = self.offset + self.sides.utility(self.effects, users, items)
        return sigmoid(logit + self.slope * (rating - self.centre))

    def propensity(self, users: NDArray[np.integer], items: NDArray[np.integer]) -> NDArray[np.float64]:
        """Return (n,) P(O = 1) of pairs whose rating is not known, at the expected one."""
        return self.of_rated(users, items, self.ratings.expected_rating(users, items))


def fit_self_selection(
    data: ResponseData, *, rng: np.random.Generator, evidence_rows: int = EVIDENCE_ROWS
) -> SelfSelection:
    """Fit the selection to the training ratings of a log; weights are not used.

    Parameters
    ----------
    data
        Ratings and features; pairs that are not in `train` count as not rated.
    rng
        Draws folds, the ratings that choose variances and, in large logs, cells.
    evidence_rows
        See `Features`.

    Raises
    ------
    ValueError
        If the log has no features at all.
    """
    sides = Sides.of(data.user_features, data.item_features, (data.n_users, data.n_items))
    chosen = chosen_cells(sides, data.train.user, data.train.item, rng)
    ratings = Features(choices=False, evidence_rows=evidence_rows)
    ratings.fit(data, rng=rng)
    expected = ratings.expected_of(chosen.cells)
    expected[chosen.place] = _held_out(data, ratings, rng)
    slope, effects, centre = _choice(chosen, expected)
    return SelfSelection(slope, chosen.offset, sides, effects, ratings, centre)


def fit_self_selected(
    data: ResponseData, *, rng: np.random.Generator, evidence_rows: int = EVIDENCE_ROWS
) -> KnownPropensities:
    """Return the propensities of the training pairs given their ratings, and of all others at the expected one."""
    selection, train = fit_self_selection(data, rng=rng, evidence_rows=evidence_rows), data.train
    known = selection.of_rated(train.user, train.item, data.scale[train.level - 1])
    return known_propensities(train.user, train.item, known, data.n_items, selection)


def _held_out(data: ResponseData, ratings: Features, rng: np.random.Generator) -> NDArray[np.float64]:
    """Return (n,) the expected rating of each training row by fits without it, with the same variances."""
    train, expected = data.train, np.zeros(len(data.train.user))
    folds, repeats = (FOLDS, REPEATS) if len(expected) <= FEW_RATINGS else (FOLDS_OF_MANY, 1)
    for _ in range(repeats):
        fold = rng.permutation(len(expected)) % folds
        for held in (fold == out for out in range(folds)):
            model = Features(choices=False, components=ratings.components)
            model.fit(replace(data, train=Ratings(*(column[~held] for column in train))), rng=rng)
            expected[held] += model.expected_rating(train.user[held], train.item[held]) / repeats
    return expected


def _choice(chosen: Chosen, expected: NDArray[np.float64]) -> tuple[float, Effects, float]:
    """Return k, the other effects, and the mean expected rating."""
    centre = float(np.average(expected, weights=chosen.weight))
    loss = Logistic(chosen.rated, chosen.weight, chosen.offset)
    columns, of_columns = (expected - centre)[:, None], np.array([SLOPE_VARIANCE])
    found = fit_effects(chosen.cells, loss, VARIANCES, columns, of_columns)
    return float(found.coefficient[0]), found.effects, centre
