"""Confidence intervals by name: asymptotic ones, and finite-sample bounds where the range is known beforehand."""

from __future__ import annotations

from collections.abc import Callable

from recenv.ope.bca import bca
from recenv.ope.bernstein import empirical_bernstein
from recenv.ope.bootstrap import bootstrap
from recenv.ope.confidence_sequence import sequence_interval
from recenv.ope.estimate import Estimate
from recenv.ope.hoeffding import hoeffding
from recenv.ope.student import student

Interval = tuple[float, float]
INTERVALS: dict[str, Callable[..., Interval]] = {
    "student": student,
    "hoeffding": hoeffding,
    "empirical_bernstein": empirical_bernstein,
    "confidence_sequence": sequence_interval,
}
OF_TERMS = ("empirical_likelihood",)
"""Made from the terms, not from an estimate: see `empirical_likelihood_interval`."""
RESAMPLED: dict[str, Callable[..., Interval]] = {"bootstrap": bootstrap, "bca": bca}


def interval_names() -> tuple[str, ...]:
    """Return the name of every interval."""
    return (*RESAMPLED, *INTERVALS, *OF_TERMS)


def check_interval(name: str, confidence: float) -> None:
    """Refuse an unknown interval, or a confidence that is none."""
    if name not in interval_names():
        raise ValueError(f"there is no interval {name!r}; there are {', '.join(interval_names())}")
    if not 0 < confidence < 1:
        raise ValueError(f"confidence must be between 0 and 1, not {confidence}: 0.95 is usual")


def interval(
    estimate: Estimate, method: str = "student", *, confidence: float = 0.95, replicates: int = 1_000, seed: int = 0
) -> Interval:
    """Return (lower, upper) of an estimate.

    Parameters
    ----------
    method : str
        "student" (by cluster), "bootstrap" (percentiles of a resample of clusters), "bca" (the same, corrected for bias
        and skewness), or the bounds "hoeffding", "empirical_bernstein" and "confidence_sequence" (anytime-valid),
        which need `reward_range` and `weight_max` in the terms and an unbiased estimator.
    replicates, seed : int
        Of "bootstrap" and "bca".

    Raises
    ------
    ValueError
        If the method is unknown or does not apply to this estimator.
    """
    check_interval(method, confidence)
    if method in OF_TERMS:
        raise ValueError("an empirical-likelihood interval is made from terms: empirical_likelihood_interval(terms)")
    if estimate.value != estimate.value:
        return -float("inf"), float("inf")
    if method in RESAMPLED:
        return RESAMPLED[method](estimate, confidence=confidence, replicates=replicates, seed=seed)
    return INTERVALS[method](estimate, confidence=confidence)
