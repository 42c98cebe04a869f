"""Which values of a hyper-parameter to try, the least biased one first."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from recenv.ope.continuous_terms import ContinuousTerms
from recenv.ope.estimator import Estimator
from recenv.ope.terms import Terms

_RISING = ("strength", "bandwidth")
"""Those whose bias grows with the value; that of clip, threshold and shrinkage falls."""
_LEVELS = (0.5, 0.7, 0.8, 0.9, 0.95, 0.98, 0.99, 0.995, 1.0)
STRENGTHS = (0.0, 0.01, 0.03, 0.1, 0.2, 0.35, 0.5, 0.7, 0.9)


def tuned_name(estimator: Estimator) -> str:
    """Return the hyper-parameter that trades bias for variance.

    Raises
    ------
    ValueError
        If the estimator has none.
    """
    names = [name for name in estimator.hyper if name in ("clip", "threshold", "shrinkage", *_RISING)]
    if len(names) != 1:
        raise ValueError(f"{estimator.name} has no hyper-parameter to tune: estimate it as it is")
    return names[0]


def hyper_grid(name: str, terms: Terms, values: Sequence[float] | None = None) -> tuple[float, ...]:
    """Return the distinct values in order of growing bias; None makes them from the weights, which see no reward.

    Clip and threshold are quantiles of the positive weights, shrinkage their squares and infinity, bandwidths multiples
    of the actions' deviation times n^(-1/5).

    Raises
    ------
    ValueError
        If there are no values, or one is NaN.
    """
    chosen = np.unique(np.asarray(_default(name, terms) if values is None else values, dtype=np.float64))
    if not len(chosen) or np.isnan(chosen).any():
        raise ValueError(f"the grid of {name} must have at least one number and no NaN, not {values}")
    return tuple(map(float, chosen if name in _RISING else chosen[::-1]))


def _default(name: str, terms: Terms) -> Sequence[float]:
    if name == "strength":
        return STRENGTHS
    if isinstance(terms, ContinuousTerms):
        unit = float(terms.action.std()) * terms.rows ** (-1 / 5)
        return [unit * step for step in (0.25, 0.5, 0.75, 1, 1.5, 2, 3, 4)]
    weight = terms.weight[terms.weight > 0]
    if not len(weight):
        return [1.0]
    levels = np.quantile(weight, _LEVELS)
    return levels.tolist() if name != "shrinkage" else [*levels**2, np.inf]
