"""Importance sampling over whole episodes: unbiased for the target's own states, with weights that grow with T."""

from __future__ import annotations

from recenv.ope.contribution import Contribution, ones_like, zeros_like
from recenv.ope.step_weighting import discounts, normalised, plain, return_support
from recenv.ope.trajectory_terms import TrajectoryTerms


def tis(terms: TrajectoryTerms, gamma: float | None = None) -> Contribution:
    """Trajectory-wise importance sampling: mean(w_{T-1} sum_t gamma^t r_t), w_t the product of ratios up to t.

    Unbiased if every item the target may show had a positive, rightly logged propensity.
    Reference: Precup, Sutton and Singh (2000).
    """
    discount, weight = discounts(terms, gamma), terms.weight
    support = return_support(terms, discount)
    return Contribution(
        zeros_like(weight), weight * (terms.reward @ discount[:-1]), ones_like(weight), weight, support=support
    )


def sntis(terms: TrajectoryTerms, gamma: float | None = None) -> Contribution:
    """Self-normalised trajectory-wise importance sampling: mean(w R) / mean(w); consistent, bias of order 1/n.

    Reference: Precup, Sutton and Singh (2000).
    """
    whole = tis(terms, gamma)
    return whole._replace(denominator=whole.weight, support=None, pure_ratio=True)


def pdis(terms: TrajectoryTerms, gamma: float | None = None) -> Contribution:
    """Per-decision importance sampling: mean(sum_t gamma^t w_t r_t); a reward is weighted by its own past only.

    Unbiased under the assumptions of `tis`. Reference: Precup, Sutton and Singh (2000).
    """
    return plain(terms, terms.cumulative, gamma, model=False, bounded=True)


def snpdis(terms: TrajectoryTerms, gamma: float | None = None) -> Contribution:
    """Per-decision importance sampling with each step divided by its mean weight; consistent, bias of order 1/n.

    Reference: Precup, Sutton and Singh (2000); Thomas and Brunskill (2016).
    """
    return normalised(terms, terms.cumulative, gamma, model=False)
