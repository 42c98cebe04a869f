"""Doubly robust estimation of slates that are read from the top."""

from __future__ import annotations

import numpy as np

from recenv.ope.contribution import Contribution, ones_like, zeros_like
from recenv.ope.slate_importance import Table, prefix_weight
from recenv.ope.slate_terms import SlateTerms
from recenv.ope.step_weighting import Column, earlier, linearised, ratio_sum


def cascade_dr(terms: SlateTerms) -> Contribution:
    """Cascade doubly robust: mean(sum_k w_{0:k} (r_k - q_k) + w_{0:k-1} v_k), w_{0:-1} = 1.

    q_k is the model at the logged item, v_k its expectation over the target's next item, both after the logged prefix.
    As every step's model cancels in expectation, the value is unbiased under the assumption of `rips`, whatever the
    model. Reference: Kiyohara et al. (2022).
    """
    weight = prefix_weight(terms)
    q_logged, value = _models(terms)
    total = np.einsum("nk,nk->n", weight, terms.reward - q_logged) + np.einsum("nk,nk->n", earlier(weight), value)
    return Contribution(total, zeros_like(total), ones_like(total), weight)


def sn_cascade_dr(terms: SlateTerms) -> Contribution:
    """Cascade doubly robust with every position's terms divided by their mean weight; consistent, bias of order 1/n.

    Reference: Kiyohara et al. (2022), weighted as in Thomas and Brunskill (2016).
    """
    weight = prefix_weight(terms)
    q_logged, value = _models(terms)
    before = earlier(weight)
    columns = range(weight.shape[1])
    parts = [Column(weight[:, k] * (terms.reward - q_logged)[:, k], weight[:, k]) for k in columns]
    parts += [Column(before[:, k] * value[:, k], before[:, k]) for k in columns]
    return linearised(*ratio_sum(parts), weight)


def _models(terms: SlateTerms) -> tuple[Table, Table]:
    assert terms.q_logged is not None  # `estimate` has checked what an estimator needs
    assert terms.q_target is not None
    return terms.q_logged, terms.q_target
