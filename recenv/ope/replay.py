"""Rejection of the rows on which the target would have shown something else."""

from __future__ import annotations

import numpy as np

from recenv.ope.contribution import Contribution, zeros_like
from recenv.ope.terms import BanditTerms


def replay(terms: BanditTerms) -> Contribution:
    """Mean reward of the rows where a deterministic target shows the logged item, under uniform logging.

    Reference: Li, Chu, Langford and Wang (2011).

    Raises
    ------
    ValueError
        If the target is not deterministic, or logging was not uniform: then the matched rows are a biased sample.
    """
    _check(terms)
    match = (terms.target > 0.5).astype(np.float64)
    return Contribution(zeros_like(match), match * terms.reward, match, match, pure_ratio=True)


def _check(terms: BanditTerms) -> None:
    near = np.minimum(terms.target, np.abs(1 - terms.target)) <= 1e-9
    if not near.all():
        row = int(np.argmin(near))
        raise ValueError(
            f"replay needs a deterministic target; row {row} has probability {terms.target[row]}: use snips"
        )
    even = np.isclose(terms.propensity, terms.propensity[0], rtol=1e-6, atol=0)
    if not even.all():
        row = int(np.argmin(even))
        raise ValueError(
            f"replay needs uniform logging; row 0 has propensity {terms.propensity[0]}, row {row} has "
            f"{terms.propensity[row]}: use snips"
        )
