"""Estimators that correct a reward model by weighted residuals: right if the model or the propensities are."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from recenv.ope.bounds_support import doubly_robust_support
from recenv.ope.contribution import Contribution, ones_like
from recenv.ope.terms import BanditTerms
from recenv.ope.weights import clipped, shrunk, subgaussian, switched


def _models(terms: BanditTerms) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    assert terms.q_target is not None  # `estimate` has checked what an estimator needs
    assert terms.q_logged is not None
    return terms.q_target, terms.q_logged


def _corrected(terms: BanditTerms, weight: NDArray[np.float64]) -> Contribution:
    q_target, q_logged = _models(terms)
    residual = terms.reward - q_logged
    residual *= weight
    return Contribution(q_target, residual, ones_like(weight), weight)


def dr(terms: BanditTerms) -> Contribution:
    """Doubly robust: mean(q_target + w (r - q_logged)).

    Reference: Dudik, Erhan, Langford and Li (2014).
    """
    support = doubly_robust_support(terms.reward_range, terms.weight_max, *_models(terms))
    return _corrected(terms, terms.weight)._replace(support=support)


def clipped_dr(terms: BanditTerms, clip: float) -> Contribution:
    """Doubly robust with min(w, clip): the model's bias remains where weights exceed `clip`.

    Reference: Su, Dimakopoulou, Krishnamurthy and Dudik (2020).
    """
    return _corrected(terms, clipped(terms.weight, clip))


def sndr(terms: BanditTerms) -> Contribution:
    """Self-normalised doubly robust: mean(q_target) + mean(w (r - q_logged)) / mean(w).

    Reference: Robins, Sued, Lei-Gomez and Rotnitzky (2007); Thomas and Brunskill (2016).
    """
    plain = _corrected(terms, terms.weight)
    return plain._replace(denominator=plain.weight)


def switch_dr(terms: BanditTerms, threshold: float) -> Contribution:
    """Doubly robust where w <= threshold, the model alone elsewhere.

    Reference: Wang, Agarwal and Dudik (2017).
    """
    return _corrected(terms, switched(terms.weight, threshold))


def dr_os(terms: BanditTerms, shrinkage: float) -> Contribution:
    """Doubly robust with optimistic shrinkage: weights s w / (w^2 + s), s = `shrinkage`.

    Reference: Su, Dimakopoulou, Krishnamurthy and Dudik (2020).
    """
    return _corrected(terms, shrunk(terms.weight, shrinkage))


def subgaussian_dr(terms: BanditTerms, strength: float) -> Contribution:
    """Doubly robust with weights w / (1 - s + s w), s = `strength`; 0 is DR.

    Reference: Metelli, Russo and Restelli (2021).
    """
    return _corrected(terms, subgaussian(terms.weight, strength))
