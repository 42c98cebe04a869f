"""The reward model alone."""

from __future__ import annotations

from recenv.ope.contribution import Contribution, ones_like, zeros_like
from recenv.ope.terms import BanditTerms


def dm(terms: BanditTerms) -> Contribution:
    """Direct method: mean(q_target).

    Its error is the model's, which no interval here contains: the standard error is that of sampling users only.
    Reference: Beygelzimer and Langford (2009).
    """
    assert terms.q_target is not None  # `estimate` has checked what an estimator needs
    zeros = zeros_like(terms.reward)
    return Contribution(terms.q_target, zeros, ones_like(terms.reward), zeros)
