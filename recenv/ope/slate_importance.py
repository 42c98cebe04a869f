"""Slate estimators that reweight logged rewards; the fewer positions a weight covers, the more is assumed."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from recenv.ope.bounds_support import weighted_support
from recenv.ope.contribution import Contribution, ones_like, zeros_like
from recenv.ope.slate_terms import SlateTerms
from recenv.ope.step_weighting import Column, linearised, ratio_sum

Table = NDArray[np.float64]


def sips(terms: SlateTerms) -> Contribution:
    """Slate IPS: mean(w sum_k r_k), w the ratio of the whole slate's probabilities.

    Unbiased if every slate that the target may show had a positive, rightly logged propensity; nothing is assumed of
    how positions act on each other. Reference: Precup, Sutton and Singh (2000); McInerney et al. (2020).
    """
    total = terms.total
    support = None
    if terms.reward_range is not None:
        low, high = terms.reward_range
        size = terms.reward.shape[1]
        support = weighted_support((size * low, size * high), terms.weight_max)
    weight = terms.weight
    return Contribution(zeros_like(total), weight * total, ones_like(total), weight, support=support)


def snsips(terms: SlateTerms) -> Contribution:
    """Self-normalised slate IPS: mean(w sum_k r_k) / mean(w); consistent, with a bias of order 1/n.

    Reference: Swaminathan and Joachims (2015).
    """
    plain = sips(terms)
    return plain._replace(denominator=plain.weight, support=None, pure_ratio=True)


def iips(terms: SlateTerms) -> Contribution:
    """Independent IPS: mean(sum_k w_k r_k), w_k the ratio of position k's marginal probabilities.

    Unbiased if a position's reward depends on its own item only. Reference: Li et al. (2018).
    """
    return _summed(terms, position_weight(terms))


def sniips(terms: SlateTerms) -> Contribution:
    """Self-normalised independent IPS: sum_k mean(w_k r_k) / mean(w_k).

    Reference: Li et al. (2018); Swaminathan and Joachims (2015).
    """
    return _normalised(terms, position_weight(terms))


def rips(terms: SlateTerms) -> Contribution:
    """Reward interaction IPS: mean(sum_k w_{0:k} r_k), w_{0:k} the ratio of the prefixes' probabilities.

    Unbiased if a position's reward depends on its own item and those above (a cascade).
    Reference: McInerney et al. (2020).
    """
    return _summed(terms, prefix_weight(terms))


def snrips(terms: SlateTerms) -> Contribution:
    """Self-normalised reward interaction IPS: sum_k mean(w_{0:k} r_k) / mean(w_{0:k}).

    Reference: McInerney et al. (2020).
    """
    return _normalised(terms, prefix_weight(terms))


def position_weight(terms: SlateTerms) -> Table:
    """Return the ratio of the marginal probabilities (n, K)."""
    assert terms.target_position is not None  # `estimate` has checked what an estimator needs
    assert terms.propensity_position is not None
    return terms.target_position / terms.propensity_position


def prefix_weight(terms: SlateTerms) -> Table:
    """Return the ratio of the prefixes' probabilities (n, K)."""
    assert terms.target_prefix is not None  # `estimate` has checked what an estimator needs
    assert terms.propensity_prefix is not None
    return terms.target_prefix / terms.propensity_prefix


def _summed(terms: SlateTerms, weight: Table) -> Contribution:
    total = np.einsum("nk,nk->n", weight, terms.reward)
    return Contribution(total, zeros_like(total), ones_like(total), weight)


def _normalised(terms: SlateTerms, weight: Table) -> Contribution:
    parts = [Column(part * reward, part) for part, reward in zip(weight.T, terms.reward.T, strict=True)]
    value, influence = ratio_sum(parts)
    return linearised(value, influence, weight)
