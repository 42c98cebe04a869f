"""One number with its standard error, from one record of terms."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from recenv.ope.clusters import cluster_codes, clustered_error
from recenv.ope.contribution import Contribution
from recenv.ope.effective_sample_size import effective_sample_size
from recenv.ope.registry import Estimator, find_estimator
from recenv.ope.terms import Terms


@dataclass(frozen=True, eq=False)
class Estimate:
    """What an estimator says of one policy."""

    name: str
    """The estimator."""
    value: float
    """The estimate; NaN where no logged row has the target's support (never a silent 0)."""
    std_error: float
    """Its standard error, by cluster; infinite where the value is NaN or there is one cluster only."""
    influence: NDArray[np.float64] = field(repr=False)
    """(n,) each row's influence, with mean 0: value - truth is about its mean over new data."""
    estimand: str
    """`one_step` or `policy_value`: compare it only with that truth."""
    rows: int
    """n, logged rows."""
    clusters: int
    """G, independent units."""
    ess: float
    """Effective sample size of the target's weights: (sum w)^2 / sum w^2."""
    removed: float
    """Share of the weight that clipping or shrinking took away; its bias is in no interval."""
    hyper: Mapping[str, float]
    """Hyper-parameters as used."""
    contribution: Contribution = field(repr=False)
    """What each row adds: all that a resample or a bound needs."""
    codes: NDArray[np.int64] = field(repr=False)
    """(n,) cluster of each row, 0..G-1."""


def estimate(name: str, terms: Terms, **hyper: float) -> Estimate:
    """Estimate a policy's value with the named estimator.

    Parameters
    ----------
    name : str
        One of `estimators()`.
    terms : Terms
        The record of the estimator's family, `BanditTerms` for most.
    **hyper : float
        Exactly the estimator's hyper-parameters: `clip`, `threshold`, `shrinkage` or `strength`.

    Raises
    ------
    ValueError
        If the estimator is unknown, a field it needs is missing, or a hyper-parameter is missing, unknown or out of
        its range.
    TypeError
        If `terms` is of another family.

    Examples
    --------
    >>> terms = BanditTerms(reward=[1.0, 0.0], propensity=[0.5, 0.5], target=[0.75, 0.25])
    >>> estimate("ips", terms).value
    0.75
    """
    estimator = find_estimator(name)
    _check(estimator, terms, hyper)
    contribution = estimator.contribute(terms, **hyper)
    if not estimator.model_only and not terms.weight.any():
        contribution = _without_overlap(contribution)
    return _summarise(estimator, terms, contribution, hyper)


def _summarise(estimator: Estimator, terms: Terms, contribution: Contribution, hyper: Mapping[str, float]) -> Estimate:
    codes, groups = cluster_codes(terms.cluster, terms.rows)
    influence = contribution.influence()
    return Estimate(
        name=estimator.name,
        value=contribution.value(),
        std_error=clustered_error(influence, codes, groups, correct=not contribution.pure_ratio),
        influence=influence,
        estimand=estimator.estimand,
        rows=terms.rows,
        clusters=groups,
        ess=effective_sample_size(terms.weight),
        removed=0.0 if estimator.model_only or not estimator.hyper else _removed(terms.weight, contribution.weight),
        hyper=dict(hyper),
        contribution=contribution,
        codes=codes,
    )


def _check(estimator: Estimator, terms: Terms, hyper: Mapping[str, float]) -> None:
    if not isinstance(terms, estimator.terms):
        raise TypeError(f"{estimator.name} needs {estimator.terms.__name__}, not {type(terms).__name__}")
    for name in estimator.needs:
        if getattr(terms, name) is None:
            raise ValueError(f"{estimator.name} needs terms.{name}, which is missing: fit a reward model and pass it")
    if set(hyper) != set(estimator.hyper):
        wanted = ", ".join(f"{name}=" for name in estimator.hyper) or "no hyper-parameter"
        given = ", ".join(f"{name}=" for name in hyper) or "none"
        raise ValueError(f"{estimator.name} takes {wanted}; given: {given}")


def _without_overlap(contribution: Contribution) -> Contribution:
    """Make the value NaN: with no row of the target's, 0 or the bare model would pass for knowledge."""
    zeros = np.zeros(len(contribution.base))
    return Contribution(zeros, zeros, zeros, zeros)


def _removed(before: NDArray[np.float64], after: NDArray[np.float64]) -> float:
    total = before.sum()
    return float(np.clip(1 - np.minimum(after, before).sum() / total, 0, 1)) if total > 0 else 0.0
