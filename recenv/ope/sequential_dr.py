"""Estimators with a value model: alone, and corrected by weighted residuals."""

from __future__ import annotations

from recenv.ope.contribution import Contribution, ones_like, zeros_like
from recenv.ope.step_weighting import discounts, normalised, plain
from recenv.ope.trajectory_terms import TrajectoryTerms


def fqe(terms: TrajectoryTerms, gamma: float | None = None) -> Contribution:
    """Value of the first state by the value model alone: mean(v_0).

    The model has its own discount, so `gamma` changes nothing here. Its error is in no interval.
    Reference: Le, Voloshin and Yue (2019).
    """
    discounts(terms, gamma)
    value = terms.initial_value
    if value is None:
        assert terms.q_target is not None  # `estimate` has checked what an estimator needs
        value = terms.q_target[:, 0]
    return Contribution(value, zeros_like(value), ones_like(value), zeros_like(value))


def sequential_dr(terms: TrajectoryTerms, gamma: float | None = None) -> Contribution:
    """Doubly robust over episodes: mean(sum_t gamma^t [w_t (r_t - q_t) + w_{t-1} v_t]).

    Unbiased if the propensities are right, whatever the model; sharp if the model is good.
    Reference: Jiang and Li (2016).
    """
    return plain(terms, terms.cumulative, gamma, model=True)


def wdr(terms: TrajectoryTerms, gamma: float | None = None) -> Contribution:
    """Weighted doubly robust: `sequential_dr` with each step's weights divided by their mean.

    Consistent, bias of order 1/n. Reference: Thomas and Brunskill (2016).
    """
    return normalised(terms, terms.cumulative, gamma, model=True)
