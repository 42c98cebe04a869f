"""One number with its standard error, from one record of terms."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from numbers import Real

import numpy as np
from numpy.typing import NDArray

from recenv.ope.clusters import cluster_codes, clustered_error
from recenv.ope.contribution import Contribution
from recenv.ope.effective_sample_size import effective_sample_size
from recenv.ope.estimator import RESHAPING, Estimator
from recenv.ope.registry import find_estimator
from recenv.ope.terms import BanditTerms, Terms

BLOCK = 65_536
"""Rows of a temporary."""


@dataclass(frozen=True, eq=False)
class Estimate:
    """What an estimator says of one policy."""

    name: str
    """The estimator."""
    value: float
    """The estimate; NaN where no logged row has the target's support (never a silent 0)."""
    std_error: float
    """Its standard error, by cluster; infinite where the value is NaN or there is one cluster only."""
    estimand: str
    """`one_step` or `policy_value`: compare it only with that truth."""
    rows: int
    """n, logged rows."""
    clusters: int
    """G, independent units."""
    ess: float
    """Effective sample size of the target's weights: (sum w)^2 / sum w^2; of weights by position, the smallest."""
    removed: float
    """Share of the weight that clipping or shrinking took away; its bias is in no interval."""
    removed_value: tuple[float, float]
    """(what that weight would have added to the value, its standard error): an estimate of the bias."""
    hyper: Mapping[str, float | str]
    """Hyper-parameters as used."""
    contribution: Contribution = field(repr=False)
    """What each row adds: all that a resample or a bound needs."""
    cluster: NDArray[np.int64] | None = field(repr=False)
    """(n,) cluster of each row, 0..G-1; None where every row is its own."""

    @property
    def influence(self) -> NDArray[np.float64]:
        """(n,) each row's influence, with mean 0: value - truth is about its mean over new data."""
        return self.contribution.influence()

    @property
    def codes(self) -> NDArray[np.int64]:
        """(n,) cluster of each row, 0..G-1."""
        return cluster_codes(self.cluster, self.rows)[0]


def estimate(name: str, terms: Terms, **hyper: float | str) -> Estimate:
    """Estimate a policy's value with the named estimator.

    Parameters
    ----------
    name : str
        One of `estimators()`.
    terms : Terms
        The record of the estimator's family, `BanditTerms` for most.
    **hyper : float or str
        The estimator's hyper-parameters: `clip`, `threshold`, `shrinkage`, `strength`, `bandwidth`, `gamma`; `kernel`.

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
    if not estimator.model_only and not _own_weight(estimator, terms, contribution).any(axis=0).all():
        contribution = _without_overlap(contribution)
    return summarise(estimator, terms, contribution, hyper)


def summarise(
    estimator: Estimator,
    terms: Terms,
    contribution: Contribution,
    hyper: Mapping[str, float | str],
) -> Estimate:
    """Return the record of what an estimator added up."""
    codes, groups = (None, terms.rows) if terms.cluster is None else cluster_codes(terms.cluster, terms.rows)
    correct = not contribution.pure_ratio
    return Estimate(
        name=estimator.name,
        value=contribution.value(),
        std_error=clustered_error(contribution.influence(), codes, groups, correct=correct),
        estimand=estimator.estimand,
        rows=terms.rows,
        clusters=groups,
        ess=effective_sample_size(_own_weight(estimator, terms, contribution)),
        removed=_removed(terms.weight, contribution.weight) if estimator.reshapes else 0.0,
        removed_value=_removed_value(estimator, terms, contribution, codes, groups),
        hyper=dict(hyper),
        contribution=contribution,
        cluster=codes,
    )


def _own_weight(estimator: Estimator, terms: Terms, contribution: Contribution) -> NDArray[np.float64]:
    """Return the target's weights (n,) or (n, K), before any clipping or shrinking."""
    return terms.weight if estimator.model_only or estimator.reshapes else contribution.weight


def _check(estimator: Estimator, terms: Terms, hyper: Mapping[str, float | str]) -> None:
    if not isinstance(terms, estimator.terms):
        raise TypeError(f"{estimator.name} needs {estimator.terms.__name__}, not {type(terms).__name__}")
    for name in estimator.needs:
        if getattr(terms, name) is None:
            remedy = "fit a reward model and pass it" if name.startswith("q_") else f"pass {name}="
            raise ValueError(f"{estimator.name} needs terms.{name}, which is missing: {remedy}")
    if not set(estimator.hyper) <= set(hyper) <= {*estimator.hyper, *estimator.optional}:
        wanted = ", ".join(f"{name}=" for name in estimator.hyper) or "no hyper-parameter"
        extra = "".join(f" (and {name}= if you like)" for name in estimator.optional)
        given = ", ".join(f"{name}=" for name in hyper) or "none"
        raise ValueError(f"{estimator.name} takes {wanted}{extra}; given: {given}")
    for name in RESHAPING.intersection(hyper):
        if not isinstance(hyper[name], Real):
            raise TypeError(f"{name} of {estimator.name} must be a number, not {hyper[name]!r}")


def _without_overlap(contribution: Contribution) -> Contribution:
    """Make the value NaN: with no row of the target's, 0 or the bare model would pass for knowledge."""
    zeros = np.zeros(len(contribution.base))
    return Contribution(zeros, zeros, zeros, np.zeros_like(contribution.weight))


def _removed_value(
    estimator: Estimator, terms: Terms, contribution: Contribution, codes: NDArray[np.int64] | None, groups: int
) -> tuple[float, float]:
    """Return mean((w - w') (r - q)) and its standard error, w' the weights as used, q 0 without a reward model."""
    if not (estimator.reshapes and isinstance(terms, BanditTerms)):
        return 0.0, 0.0
    model = terms.q_logged if "q_logged" in estimator.needs and terms.q_logged is not None else 0.0
    lost = terms.reward - model
    for start in range(0, terms.rows, BLOCK):  # block by block, to spare two vectors
        rows = slice(start, start + BLOCK)
        lost[rows] *= terms.target[rows] / terms.propensity[rows] - contribution.weight[rows]
    mean = float(lost.mean())
    lost -= mean
    return mean, clustered_error(lost, codes, groups)


def _removed(before: NDArray[np.float64], after: NDArray[np.float64]) -> float:
    total, blocks = before.sum(), range(0, len(before), BLOCK)
    kept = sum(np.minimum(after[k : k + BLOCK], before[k : k + BLOCK]).sum() for k in blocks)
    return float(np.clip(1 - kept / total, 0, 1)) if total > 0 else 0.0
