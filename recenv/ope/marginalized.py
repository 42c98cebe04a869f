"""Weights of an item's embedding instead of the item itself: fewer, hence smaller, with many items."""

from __future__ import annotations

from recenv.ope.bounds_support import weighted_support
from recenv.ope.contribution import Contribution, ones_like, zeros_like
from recenv.ope.terms import EmbeddingTerms


def mips(terms: EmbeddingTerms) -> Contribution:
    """Marginalised IPS: mean(w(e) r), w(e) the ratio of the embedding's marginal densities.

    Unbiased if the reward depends on the item through the embedding only. Reference: Saito and Joachims (2022).
    """
    weight = terms.weight
    support = weighted_support(terms.reward_range, terms.weight_max)
    return Contribution(zeros_like(weight), weight * terms.reward, ones_like(weight), weight, support=support)


def sn_mips(terms: EmbeddingTerms) -> Contribution:
    """Self-normalised marginalised IPS: mean(w(e) r) / mean(w(e)), e the joint embedding.

    Reference: Saito and Joachims (2022).
    """
    weight = terms.weight
    return Contribution(zeros_like(weight), weight * terms.reward, weight, weight, pure_ratio=True)
