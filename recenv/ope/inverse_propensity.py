"""Estimators that reweight logged rewards: unbiased when the propensities are right, wild when overlap is thin."""

from __future__ import annotations

from recenv.ope.bounds_support import weighted_support
from recenv.ope.contribution import Contribution, ones_like, zeros_like
from recenv.ope.terms import BanditTerms
from recenv.ope.weights import clipped, subgaussian


def ips(terms: BanditTerms) -> Contribution:
    """Inverse propensity scoring: mean(w r), w = target / propensity.

    Unbiased if every item the target may show had a positive, rightly logged propensity.
    Reference: Horvitz and Thompson (1952).
    """
    weight = terms.weight
    support = weighted_support(terms.reward_range, terms.weight_max)
    return Contribution(zeros_like(weight), weight * terms.reward, ones_like(weight), weight, support=support)


def clipped_ips(terms: BanditTerms, clip: float) -> Contribution:
    """Clipped IPS: mean(min(w, clip) r); biased towards 0 where weights exceed `clip`.

    Reference: Ionides (2008); Bottou et al. (2013).
    """
    weight = clipped(terms.weight, clip)
    return Contribution(zeros_like(weight), weight * terms.reward, ones_like(weight), weight)


def snips(terms: BanditTerms) -> Contribution:
    """Self-normalised IPS: mean(w r) / mean(w); consistent, with a bias of order 1/n.

    It stays within the rewards' range and ignores a constant added to them. Its influence is that of the ratio.
    Reference: Swaminathan and Joachims (2015).
    """
    weight = terms.weight
    return Contribution(zeros_like(weight), weight * terms.reward, weight, weight, pure_ratio=True)


def subgaussian_ips(terms: BanditTerms, strength: float) -> Contribution:
    """IPS with weights w / (1 - strength + strength w), a harmonic mean of w and 1; 0 is IPS.

    Reference: Metelli, Russo and Restelli (2021).
    """
    weight = subgaussian(terms.weight, strength)
    return Contribution(zeros_like(weight), weight * terms.reward, ones_like(weight), weight)
