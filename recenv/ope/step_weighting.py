"""The form all step-weighted estimators share: rewards, or residuals of a value model, weighted at each step.

Without a model    value = sum_t gamma^t E[w_t r_t]
With one           value = sum_t gamma^t E[w_t (r_t - q_t) + w_{t-1} v_t],  w_{-1} = 1

where E is the mean over episodes or, self-normalised, the mean of the weighted terms divided by the mean weight of that
step.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import reduce
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from recenv.ope.bounds_support import weighted_support
from recenv.ope.contribution import Contribution, ones_like, zeros_like
from recenv.ope.trajectory_terms import TrajectoryTerms

Grid = NDArray[np.float64]
BLOCK = 16_384
"""Episodes of a temporary: fewer would cost a call each, all of them memory."""


class Part(NamedTuple):
    """One weighted sum over steps."""

    terms: Grid
    """(n, T) what is weighted."""
    weight: Grid
    """(n, T) its weights."""
    discount: NDArray[np.float64]
    """(T,) what a step counts."""
    model: Grid | None = None
    """(n, T) what is taken off the terms before they are weighted; None is nothing."""

    def total(self, rows: slice) -> NDArray[np.float64]:
        """Return the weighted, discounted sum of some episodes."""
        return self._summed(rows, self.discount)

    def means(self) -> Means:
        """Return each step's ratio of means; NaN where no weight is."""
        total, weight = np.zeros(len(self.discount)), column_sums(self.weight)
        for rows in blocks(len(self.weight)):
            total += np.einsum("nt,nt->t", self.weight[rows], self._terms(rows))
        with np.errstate(divide="ignore", invalid="ignore"):
            return Means(total / weight, self.discount / (weight / len(self.weight)))

    def influence(self, rows: slice, means: Means) -> NDArray[np.float64]:
        """Return what some episodes add to the sum of the steps' discounted ratios, less that sum."""
        return self._summed(rows, means.scale) - self.weight[rows] @ (means.ratio * means.scale)

    def influence_by_step(self, means: Means) -> Grid:
        """Return the same of all episodes, apart for each step (n, T)."""
        return self.weight * (self._terms(slice(None)) - means.ratio) * means.scale

    def _summed(self, rows: slice, share: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.einsum("nt,nt,t->n", self.weight[rows], self._terms(rows), share)

    def _terms(self, rows: slice) -> Grid:
        return self.terms[rows] if self.model is None else self.terms[rows] - self.model[rows]


class Means(NamedTuple):
    """What a `Part` is normalised by."""

    ratio: NDArray[np.float64]
    """(T,) mean weighted term / mean weight."""
    scale: NDArray[np.float64]
    """(T,) discount / mean weight."""


def column_sums(weight: Grid) -> NDArray[np.float64]:
    """Return the sum over rows (T,); as a product with ones it costs a fifth of NumPy's sum."""
    return np.ones(len(weight)) @ weight


def blocks(rows: int) -> Iterator[slice]:
    """Yield slices of rows, in order."""
    for start in range(0, rows, BLOCK):
        yield slice(start, min(start + BLOCK, rows))


def by_block(rows: int, each: Callable[[slice], NDArray[np.float64]]) -> NDArray[np.float64]:
    """Return one number a row (n,), made block by block: whole temporaries would cost more than the sums."""
    result = np.empty(rows)
    for here in blocks(rows):
        result[here] = each(here)
    return result


class Column(NamedTuple):
    """One weighted sum over rows, and the weights that it is normalised by."""

    terms: NDArray[np.float64]
    """(n,) terms, already weighted."""
    weight: NDArray[np.float64]
    """(n,) their weights."""


def ratio_sum(columns: list[Column]) -> tuple[float, NDArray[np.float64]]:
    """Return sum_c mean(terms_c) / mean(weight_c) and its influence (n,); NaN where a mean weight is 0."""
    value, influence = 0.0, np.zeros(len(columns[0].terms))
    for column in columns:
        mean = column.weight.mean()
        if mean == 0:
            return float("nan"), np.full(len(influence), np.nan)
        ratio = column.terms.mean() / mean
        value += float(ratio)
        influence += (column.terms - ratio * column.weight) / mean
    return value, influence


def discounts(terms: TrajectoryTerms, gamma: float | None) -> NDArray[np.float64]:
    """Return gamma^t (T + 1,), first 1, last that of the value after the horizon; None is the record's own gamma.

    Raises
    ------
    ValueError
        If gamma is outside [0, 1].
    """
    rate = terms.gamma if gamma is None else gamma
    if not 0 <= rate <= 1:
        raise ValueError(f"gamma must be in [0, 1], not {rate}")
    return np.power(float(rate), np.arange(terms.steps + 1))


def earlier(weight: Grid) -> Grid:
    """Return the weights of the step before (n, T), 1 before the first."""
    return np.hstack([np.ones((len(weight), 1)), weight[:, :-1]])


def parts(terms: TrajectoryTerms, weight: Grid, discount: NDArray[np.float64], *, model: bool) -> list[Part]:
    """Return all weighted sums of the estimate: rewards; or the first state's value, residuals and later values."""
    if not model:
        return [Part(terms.reward, weight, discount[:-1])]
    assert terms.q_logged is not None
    assert terms.q_target is not None
    first = terms.q_target[:, 0] if terms.initial_value is None else terms.initial_value
    result = [
        Part(first[:, None], np.broadcast_to(1.0, (terms.rows, 1)), discount[:1]),
        Part(terms.reward, weight, discount[:-1], terms.q_logged),
        Part(terms.q_target[:, 1:], weight[:, :-1], discount[1:-1]),
    ]
    if terms.final_value is not None:
        assert terms.length is not None
        held = weight[np.arange(terms.rows), terms.length - 1]
        rest = discount[terms.length] * terms.final_value
        result.append(Part(rest[:, None], held[:, None], np.ones(1)))
    return result


def plain(
    terms: TrajectoryTerms, weight: Grid, gamma: float | None, *, model: bool, bounded: bool = False
) -> Contribution:
    """Return the estimate with plain means; `bounded` if its terms have a range known before the data."""
    discount = discounts(terms, gamma)
    if not column_sums(weight).all():  # a step without any overlap would count as 0, or as the bare model
        return linearised(float("nan"), np.full(terms.rows, np.nan), np.zeros(terms.rows))
    made = parts(terms, weight, discount, model=model)
    total = by_block(terms.rows, lambda rows: reduce(np.add, (part.total(rows) for part in made)))
    support = return_support(terms, discount) if bounded else None
    return Contribution(total, zeros_like(total), ones_like(total), episode_weight(weight, discount), support=support)


def normalised(terms: TrajectoryTerms, weight: Grid, gamma: float | None, *, model: bool) -> Contribution:
    """Return the estimate with every step divided by its mean weight, linearised.

    The influence is that of a sum of ratios, numerators and denominators both counted:
    psi_i = sum_t gamma^t w_it (x_it - mean(w_t x_t) / mean(w_t)) / mean(w_t).
    """
    discount = discounts(terms, gamma)
    found = [(part, part.means()) for part in parts(terms, weight, discount, model=model)]
    value = sum(float(part.discount @ means.ratio) for part, means in found)
    with np.errstate(invalid="ignore"):
        influence = by_block(
            terms.rows, lambda rows: reduce(np.add, (part.influence(rows, means) for part, means in found))
        )
    return linearised(value, influence, episode_weight(weight, discount))


def linearised(value: float, influence: NDArray[np.float64], weight: NDArray[np.float64]) -> Contribution:
    """Return an estimate that is no simple ratio as the mean of value + influence: errors and resamples hold."""
    return Contribution(value + influence, zeros_like(influence), ones_like(influence), weight)


def episode_weight(weight: Grid, discount: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return what an episode counts (n,): its discounted mean weight, the estimate of a reward of 1 a step."""
    return np.asarray(weight @ discount[:-1] / discount[:-1].sum())


def return_support(terms: TrajectoryTerms, discount: NDArray[np.float64]) -> tuple[float, float] | None:
    """Return the range of a weighted return; None where a bound is not known."""
    if terms.reward_range is None:
        return None
    low, high = terms.reward_range
    total = float(discount[:-1].sum())
    return weighted_support((total * min(low, 0.0), total * max(high, 0.0)), terms.weight_max)
