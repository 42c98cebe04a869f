"""Hyper-parameters chosen from the log, and estimates whose intervals are honest about it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from recenv.ope.clusters import cluster_codes
from recenv.ope.contribution import Contribution
from recenv.ope.estimate import Estimate, estimate, summarise
from recenv.ope.hyper_grid import hyper_grid, tuned_name
from recenv.ope.pas_if import pas_if
from recenv.ope.registry import find_estimator
from recenv.ope.slope import slope
from recenv.ope.terms import BanditTerms, Terms

Method = Literal["slope", "pas_if"]


class Tuned(NamedTuple):
    """An estimate with a chosen hyper-parameter."""

    estimate: Estimate
    """Its `hyper` holds the median of the folds' choices."""
    chosen: tuple[float, ...]
    """Choice for each fold's rows, made on the other folds."""
    grid: tuple[float, ...]
    """Values tried, in order of growing bias."""


def tune(
    name: str,
    terms: Terms,
    *,
    method: Method = "slope",
    grid: Sequence[float] | None = None,
    seed: int = 0,
    **fixed: float | str,
) -> dict[str, float]:
    """Return the chosen hyper-parameter of an estimator, as {"clip": 12.5}, for one policy.

    Parameters
    ----------
    method : str
        "slope", or "pas_if" for bandit estimators.
    grid : sequence of float, optional
        Values to try; None makes them from the weights.
    **fixed : float or str
        Other hyper-parameters, such as `kernel`.

    Raises
    ------
    ValueError
        If the estimator has nothing to tune or the method is unknown.
    TypeError
        If pas_if is asked about other than bandit terms.
    """
    key = tuned_name(find_estimator(name))
    values = hyper_grid(key, terms, grid)
    if method == "slope":
        return {key: values[slope([estimate(name, terms, **{key: value}, **fixed) for value in values])]}
    if method != "pas_if":
        raise ValueError(f"there is no tuning method {method!r}; there are slope, pas_if")
    if not isinstance(terms, BanditTerms):
        raise TypeError(f"pas_if needs BanditTerms, not {type(terms).__name__}: use slope")
    return {key: values[int(np.argmin(pas_if([(name, {key: value}) for value in values], terms, rng=seed)))]}


def tuned_estimate(
    name: str,
    terms: Terms,
    *,
    method: Method = "slope",
    grid: Sequence[float] | None = None,
    folds: int = 5,
    seed: int = 0,
    **fixed: float | str,
) -> Tuned:
    """Estimate with a hyper-parameter that each fold of users takes from the others.

    A row's value is never part of the choice that it is weighted by, so given the choices the rows are a plain sample:
    the standard error covers the selection's noise. The bias that was chosen stays, as always.
    Reference: Chernozhukov et al. (2018); see `slope` and `pas_if`.

    Raises
    ------
    ValueError
        As `tune`, or if there are fewer than two folds, or fewer users than folds.
    """
    estimator = find_estimator(name)
    key = tuned_name(estimator)
    values = hyper_grid(key, terms, grid)
    fold = _folds(terms, folds, np.random.default_rng(seed))
    chosen, parts = [], []
    for number in range(folds):
        choice = tune(name, terms.take(fold != number), method=method, grid=values, seed=seed, **fixed)
        chosen.append(choice[key])
        parts.append(estimate(name, terms.take(fold == number), **choice, **fixed).contribution)
    joined = _join(parts, fold)
    hyper = {key: float(np.median(chosen)), **fixed}
    return Tuned(summarise(estimator, terms, joined, hyper), tuple(chosen), values)


def _folds(terms: Terms, folds: int, rng: np.random.Generator) -> NDArray[np.int64]:
    codes, groups = cluster_codes(terms.cluster, terms.rows)
    if not 2 <= folds <= groups:
        raise ValueError(f"folds must be from 2 to the number of users {groups}, not {folds}")
    return np.asarray((rng.permutation(groups) % folds)[codes])


def _join(parts: Sequence[Contribution], fold: NDArray[np.int64]) -> Contribution:
    base, numerator, denominator, weight = (np.zeros(len(fold)) for _ in range(4))
    whole = Contribution(base, numerator, denominator, weight, pure_ratio=parts[0].pure_ratio)
    for number, part in enumerate(parts):
        for into, values in zip(whole[:4], part[:4], strict=True):
            into[fold == number] = values
    return whole
