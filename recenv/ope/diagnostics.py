"""What the weights say about whether a log can answer for a policy."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from recenv.ope.clusters import cluster_sums, clustered_error
from recenv.ope.effective_sample_size import effective_sample_size
from recenv.ope.pareto_k import pareto_k
from recenv.ope.student import student_interval

CONFIDENCE = 0.99
"""Of the mean weight's interval: one false alarm in a hundred policies."""


@dataclass(frozen=True)
class Diagnostics:
    """Overlap of one target policy with the log."""

    rows: int
    """n, logged rows."""
    clusters: int
    """G, users."""
    ess: float
    """Effective sample size in rows."""
    ess_share: float
    """ess / n."""
    ess_users: float
    """Effective sample size of the users' weight sums."""
    mean_weight: float
    """About 1 if the propensities are right and every item the target shows could have been logged."""
    mean_weight_lower: float
    """Lower end of its 99% interval, by user."""
    mean_weight_upper: float
    """Upper end."""
    max_weight: float
    """Largest weight."""
    max_weight_share: float
    """Its share of the sum of all weights."""
    pareto_k: float
    """Shape of the weights' tail; NaN where there is none."""
    match_share: float
    """Share of rows whose item the target could have shown."""
    unsupported: float
    """Estimated share of the target's choices that could not have been logged: 1 - mean weight, at least 0."""
    unlogged: float
    """Share of the target's choices that are items which never occur in the log."""


def diagnose(
    weight: NDArray[np.float64], codes: NDArray[np.int64], groups: int, *, unlogged: float = float("nan")
) -> Diagnostics:
    """Return the diagnostics of weights (n,) whose clusters are `codes` (n,) in 0..groups-1."""
    mean, total = float(weight.mean()), float(weight.sum())
    error = clustered_error(weight - mean, codes, groups)
    lower, upper = student_interval(mean, error, groups, CONFIDENCE)
    ess = effective_sample_size(weight)
    return Diagnostics(
        rows=len(weight),
        clusters=groups,
        ess=ess,
        ess_share=ess / len(weight),
        ess_users=effective_sample_size(cluster_sums(weight, codes, groups)),
        mean_weight=mean,
        mean_weight_lower=lower,
        mean_weight_upper=upper,
        max_weight=float(weight.max()),
        max_weight_share=float(weight.max()) / total if total > 0 else float("nan"),
        pareto_k=pareto_k(weight),
        match_share=float(np.count_nonzero(weight)) / len(weight),
        unsupported=max(0.0, 1 - mean),
        unlogged=unlogged,
    )
