"""The usual interval: the estimate and its standard error."""

from __future__ import annotations

from recenv.ope.estimate import Estimate


def student(estimate: Estimate, *, confidence: float) -> tuple[float, float]:
    """Return value -+ t(G - 1) * std_error, G the number of clusters.

    Asymptotic: it assumes that the mean over clusters is nearly normal, which thin overlap breaks first.
    Reference: Student (1908); Liang and Zeger (1986) for clusters.
    """
    return student_interval(estimate.value, estimate.std_error, estimate.clusters, confidence)


def student_interval(value: float, std_error: float, clusters: int, confidence: float) -> tuple[float, float]:
    """Return value -+ t * std_error; everything for one cluster, which shows no spread."""
    from scipy.special import stdtrit

    if clusters < 2:
        return -float("inf"), float("inf")
    width = float(stdtrit(clusters - 1, 0.5 + confidence / 2)) * std_error
    return value - width, value + width
