"""What users chose to rate, as information about what they like.

A logistic model with the effects of `feature_effects` says of every pair how likely it is rated. Parts of its logit
become columns of the rating's utility, each with a coefficient of its own: what belongs to user or item alone, products
of features (men choose men's coats), and own weights of features (this user chooses rain coats). This is implicit
feedback as a prior mean of the tastes (the idea of SVD++, Koren 2008, `koren2008factorization`).

Cross-fitted: the column of a rated pair comes from a fit that did not see whether this pair is rated; else rated pairs
would stand out from others that are liked as much. For all other pairs it is the mean over these fits.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from recenv.causal.response_models.effects_fit import Logistic, fit_effects
from recenv.causal.response_models.feature_cells import Cells, Grid, Pairs
from recenv.causal.response_models.feature_effects import Effects, Sides, Variances, combined

FOLDS = 4
MOST_CELLS = 4_000_000
"""Cells of the whole grid; beyond, all rated ones and a weighted sample of the others."""
SAMPLED = 3
"""Sampled cells for each rated one."""
VARIANCES = Variances(
    user=2.0, item=2.0, user_side=0.0, item_side=0.0, product=1.0, taste=1.0, appeal=0.6, constant=1.0
)
"""In log-odds; chosen by the log score of held-out cells of Coat's self-selected log. What a side's features do by
themselves is within each user's and item's own effect."""


class Chosen(NamedTuple):
    """Cells, rated and not."""

    cells: Cells
    """n cells."""
    rated: NDArray[np.float64]
    """(n,) 1 where the pair is rated."""
    weight: NDArray[np.float64]
    """(n,) how many pairs each stands for."""
    place: NDArray[np.int64]
    """(r,) the cell of each rating."""

    @property
    def offset(self) -> float:
        """The log-odds of the share of rated pairs."""
        share = self.rated @ self.weight / self.weight.sum()
        return float(np.log(share / (1.0 - share)))


class ChoiceParts(NamedTuple):
    """Parts of the logit of being rated; over the rated pairs each has mean 0, and their sum deviation 1."""

    effects: tuple[Effects, ...]
    """For every pair."""
    columns: NDArray[np.float64]
    """(r, m) of the rated pairs, each from a fit that did not see it."""


def chosen_cells(
    sides: Sides, users: NDArray[np.integer], items: NDArray[np.integer], rng: np.random.Generator
) -> Chosen:
    """Return the grid with its rated pairs (r,), or these and a sample of the others where the grid is too large."""
    n_users, n_items = len(sides.x), len(sides.z)
    key, total = np.asarray(users, np.int64) * n_items + items, n_users * n_items
    if total <= MOST_CELLS:
        rated = np.zeros(total)
        rated[key] = 1.0
        return Chosen(Grid(sides), rated, np.ones(total), key)
    others = np.setdiff1d(rng.integers(total, size=SAMPLED * len(key)), key)
    every = np.concatenate([key, others])
    rated = np.repeat([1.0, 0.0], [len(key), len(others)])
    weight = np.where(rated == 1.0, 1.0, (total - len(key)) / max(len(others), 1))
    return Chosen(Pairs(sides, every // n_items, every % n_items), rated, weight, np.arange(len(key)))


def choice_parts(chosen: Chosen, rng: np.random.Generator) -> ChoiceParts:
    """Return the parts, those of `Effects.parts`."""
    fold = rng.integers(FOLDS, size=len(chosen.rated))
    fits, columns = [], np.empty((len(chosen.place), 3))
    for out in range(FOLDS):
        fits.append(_fit(chosen, fold != out).parts())
        held = fold[chosen.place] == out
        for j, part in enumerate(fits[-1]):
            columns[held, j] = chosen.cells.utility(part)[chosen.place[held]]
    unit, centre = max(float(columns.sum(1).std()), 1e-9), columns.mean(0)
    means = [combined(part, [1 / (FOLDS * unit)] * FOLDS) for part in zip(*fits, strict=True)]
    return ChoiceParts(
        tuple(_shifted(mean, float(c) / unit) for mean, c in zip(means, centre, strict=True)), (columns - centre) / unit
    )


def held_out_score(chosen: Chosen, variances: Variances, rng: np.random.Generator) -> float:
    """Return the mean of -log P(rated or not) of cells that the model has not seen; for choosing variances."""
    fold, lost = rng.integers(FOLDS, size=len(chosen.rated), dtype=np.int8), 0.0
    for out in range(FOLDS):
        utility = chosen.cells.utility(_fit(chosen, fold != out, variances))
        weight = chosen.weight * (fold == out)
        lost += Logistic(chosen.rated, weight, chosen.offset).value(utility, np.zeros(0))[0]
    return lost / float(chosen.weight.sum())


def _fit(chosen: Chosen, seen: NDArray[np.bool_], variances: Variances = VARIANCES) -> Effects:
    """Return the effects on the logit, learned from the cells that are seen."""
    loss, nothing = Logistic(chosen.rated, chosen.weight * seen, chosen.offset), np.zeros((len(seen), 0))
    return fit_effects(chosen.cells, loss, variances, nothing, np.zeros(0)).effects


def _shifted(effects: Effects, centre: float) -> Effects:
    """Return effects whose utility is lower by the centre."""
    product = effects.product.copy()
    product[0, 0] -= centre
    return effects._replace(product=product)
