"""The form all step-weighted estimators share: rewards, or residuals of a value model, weighted at each step.

Without a model    value = sum_t gamma^t E[w_t r_t]
With one           value = sum_t gamma^t E[w_t (r_t - q_t) + w_{t-1} v_t],  w_{-1} = 1

where E is the mean over episodes or, self-normalised, the mean of the weighted terms divided by the mean weight of that
step.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from recenv.ope.bounds_support import weighted_support
from recenv.ope.contribution import Contribution, ones_like, zeros_like
from recenv.ope.trajectory_terms import TrajectoryTerms

Grid = NDArray[np.float64]
BLOCK = 4_096
"""Episodes whose weighted steps stay in the cache."""


class Part(NamedTuple):
    """One weighted sum over steps."""

    terms: Grid
    """(n, T) what is weighted."""
    weight: Grid
    """(n, T) its weights."""
    discount: NDArray[np.float64]
    """(T,) what a step counts."""

    def total(self) -> NDArray[np.float64]:
        """Return each episode's weighted, discounted sum (n,)."""
        return _weighted(self.weight, self.terms, self.discount)

    def ratios(self) -> tuple[NDArray[np.float64], Grid]:
        """Return each step's discounted ratio of means (T,), and its influences (n, T); NaN where no weight is."""
        ratio, scale = self._means()
        with np.errstate(invalid="ignore"):
            return self.discount * ratio, self.weight * (self.terms - ratio) * scale

    def ratio_total(self) -> tuple[float, NDArray[np.float64]]:
        """Return the sum over steps of both: one number, and an influence (n,), without an array by step."""
        ratio, scale = self._means()
        with np.errstate(invalid="ignore"):
            influence = _weighted(self.weight, self.terms, scale) - self.weight @ (ratio * scale)
        return float(self.discount @ ratio), influence

    def _means(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return the ratio of means (T,) and discount / mean weight (T,)."""
        mean = np.full(len(self.weight), 1 / len(self.weight)) @ self.weight
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.einsum("nt,nt->t", self.weight, self.terms) / len(self.weight) / mean, self.discount / mean


def _weighted(weight: Grid, terms: Grid, share: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return sum_t share_t w_t x_t (n,), block by block: the product of all rows would cost more than its sum."""
    result = np.empty(len(weight))
    for start in range(0, len(weight), BLOCK):
        rows = slice(start, start + BLOCK)
        np.matmul(weight[rows] * terms[rows], share, out=result[rows])
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


def model_of(terms: TrajectoryTerms) -> tuple[Grid, Grid]:
    """Return q at the logged items and its expectation under the target; `estimate` has checked that they are there."""
    assert terms.q_logged is not None
    assert terms.q_target is not None
    first = terms.initial_value
    value = terms.q_target if first is None else np.hstack([first[:, None], terms.q_target[:, 1:]])
    return terms.q_logged, value


def parts(terms: TrajectoryTerms, weight: Grid, discount: NDArray[np.float64], *, model: bool) -> list[Part]:
    """Return all sums that make up the estimate, each with its own weights: rewards; or residuals, then values."""
    if not model:
        return [Part(terms.reward, weight, discount[:-1])]
    q_logged, value = model_of(terms)
    result = [
        Part(terms.reward - q_logged, weight, discount[:-1]),
        Part(value, earlier(weight), discount[:-1]),
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
    if not weight.any(axis=0).all():  # a step without any overlap would count as 0, or as the bare model
        return linearised(float("nan"), np.full(terms.rows, np.nan), np.zeros(terms.rows))
    total = np.sum([part.total() for part in parts(terms, weight, discount, model=model)], axis=0)
    support = return_support(terms, discount) if bounded else None
    return Contribution(total, zeros_like(total), ones_like(total), episode_weight(weight, discount), support=support)


def normalised(terms: TrajectoryTerms, weight: Grid, gamma: float | None, *, model: bool) -> Contribution:
    """Return the estimate with every step divided by its mean weight, linearised.

    The influence is that of a sum of ratios, numerators and denominators both counted:
    psi_i = sum_t gamma^t w_it (x_it - mean(w_t x_t) / mean(w_t)) / mean(w_t).
    """
    discount = discounts(terms, gamma)
    found = [part.ratio_total() for part in parts(terms, weight, discount, model=model)]
    value, influence = sum(value for value, _ in found), np.sum([moved for _, moved in found], axis=0)
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
