"""Logs of several policies: weigh by their mixture, or each logger by its precision."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from recenv.ope.bounds_support import doubly_robust_support, weighted_support
from recenv.ope.contribution import Contribution, ones_like, zeros_like
from recenv.ope.estimator import Estimator
from recenv.ope.multi_logger_terms import MultiLoggerTerms

Vector = NDArray[np.float64]


def balanced_ips(terms: MultiLoggerTerms) -> Contribution:
    """Balanced IPS: mean(w r), w = target / sum_l share_l propensity_l.

    Unbiased if every item that the target may show could be shown by some logger; its weights never exceed the
    target's over the largest share times propensity. Reference: Agarwal, Basu, Schnabel and Joachims (2017).
    """
    weight = terms.weight
    support = weighted_support(terms.reward_range, terms.weight_max)
    return Contribution(zeros_like(weight), weight * terms.reward, ones_like(weight), weight, support=support)


def sn_balanced_ips(terms: MultiLoggerTerms) -> Contribution:
    """Self-normalised balanced IPS: mean(w r) / mean(w); consistent, with a bias of order 1/n.

    Reference: Agarwal et al. (2017); Swaminathan and Joachims (2015).
    """
    plain = balanced_ips(terms)
    return plain._replace(denominator=plain.weight, support=None, pure_ratio=True)


def balanced_dr(terms: MultiLoggerTerms) -> Contribution:
    """Balanced doubly robust: mean(q_target + w (r - q_logged)), w as in `balanced_ips`.

    Reference: Agarwal et al. (2017); Kallus, Saito and Uehara (2021).
    """
    q_target, q_logged = _models(terms)
    weight = terms.weight
    support = doubly_robust_support(terms.reward_range, terms.weight_max, q_target, q_logged)
    return Contribution(q_target, weight * (terms.reward - q_logged), ones_like(weight), weight, support=support)


def weighted_ips(terms: MultiLoggerTerms) -> Contribution:
    """Weighted IPS: sum_l lambda_l mean_l(w r), w = target / own propensity, lambda_l ~ n_l / var_l(w r).

    Each logger's estimate counts by its precision. Consistent if every logger may show whatever the target may show.
    Reference: Agarwal, Basu, Schnabel and Joachims (2017).
    """
    weight = terms.target / terms.own
    return _by_precision(terms, weight * terms.reward, weight)


def weighted_dr(terms: MultiLoggerTerms) -> Contribution:
    """Weighted doubly robust: `weighted_ips` with q_target + w (r - q_logged) in place of w r.

    Model and correction have the same weight, so a logger's estimate counts as a whole.
    Reference: Agarwal et al. (2017); Kallus, Saito and Uehara (2021).
    """
    q_target, q_logged = _models(terms)
    weight = terms.target / terms.own
    return _by_precision(terms, q_target + weight * (terms.reward - q_logged), weight)


def _by_precision(terms: MultiLoggerTerms, value: Vector, weight: Vector) -> Contribution:
    """Return the ratio mean(c x) / mean(c), c_i = 1 / var of x among the rows of i's logger.

    As sum_i c_i = sum_l n_l / var_l, that is sum_l lambda_l mean_l(x), and its influence is that of a ratio whose
    precisions are taken as known: an error in them moves no expectation, since every logger estimates the same value.
    """
    assert terms.logger is not None  # `estimate` has checked what an estimator needs
    loggers = terms.propensity.shape[1]
    rows = np.maximum(np.bincount(terms.logger, minlength=loggers), 1)
    mean = np.bincount(terms.logger, weights=value, minlength=loggers) / rows
    spread = np.bincount(terms.logger, weights=(value - mean[terms.logger]) ** 2, minlength=loggers) / rows
    # A logger without spread, such as one row or no overlap, shows no precision: it counts as the least precise one.
    known = spread > 0
    spread = np.where(known, spread, spread.max()) if known.any() else np.ones(loggers)
    share = 1 / spread[terms.logger]
    share /= share.mean()
    return Contribution(zeros_like(value), share * value, share, share * weight)


def _models(terms: MultiLoggerTerms) -> tuple[Vector, Vector]:
    assert terms.q_target is not None  # `estimate` has checked what an estimator needs
    assert terms.q_logged is not None
    return terms.q_target, terms.q_logged


_MODEL = ("q_logged", "q_target")
MULTI_LOGGER = (
    Estimator("balanced_ips", balanced_ips, MultiLoggerTerms),
    Estimator("sn_balanced_ips", sn_balanced_ips, MultiLoggerTerms),
    Estimator("balanced_dr", balanced_dr, MultiLoggerTerms, _MODEL),
    Estimator("weighted_ips", weighted_ips, MultiLoggerTerms, ("logger",)),
    Estimator("weighted_dr", weighted_dr, MultiLoggerTerms, ("logger", *_MODEL)),
)
