"""From the vectors of one pass to the tables of a comparison."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from recenv.ope.bootstrap import MAX_GROUPS, group_sums, percentile_interval, resample
from recenv.ope.clusters import cluster_codes, pool_clusters
from recenv.ope.comparison import Comparison
from recenv.ope.diagnostics import Diagnostics, diagnose
from recenv.ope.differences import differences
from recenv.ope.estimate import Estimate, estimate
from recenv.ope.evaluate_inputs import Truth
from recenv.ope.gather import Gathered
from recenv.ope.intervals import interval
from recenv.ope.registry import Estimator
from recenv.ope.student import student_interval
from recenv.ope.terms import BanditTerms
from recenv.ope.verdict import LEVELS, Verdict, judge
from recenv.ope.weight_histogram import weight_histogram

if TYPE_CHECKING:
    import pandas as pd

LOG = "log"


class Plan(NamedTuple):
    """What was asked for."""

    chosen: Sequence[Estimator]
    """Estimators."""
    hyper: Mapping[str, Mapping[str, float]]
    """Estimator -> its hyper-parameters."""
    bounds: Mapping[str, Any]
    """`reward_range` and `weight_max`, or None."""
    truth: Truth
    """What the caller knows."""
    settings: Mapping[str, Any]
    """Everything that the result should tell, `interval`, `confidence`, `replicates` and `seed` among it."""


@dataclass(frozen=True, eq=False)
class Units:
    """Which rows belong together, exactly and pooled for the resample."""

    codes: NDArray[np.int64] | None
    """(n,) user codes 0..G-1; None where no user repeats."""
    clusters: int
    """G."""
    pooled: NDArray[np.int64]
    """(n,) group of the resample, 0..J-1."""
    size: NDArray[np.float64]
    """(J,) rows of each group."""


@dataclass(frozen=True, eq=False)
class Kept:
    """What remains of an estimate when its vectors are let go."""

    policy: str
    estimator: Estimator
    value: float
    std_error: float
    ess: float
    bounds: tuple[float, float] | None
    """Interval, unless the shared resample makes it."""
    sums: NDArray[np.float64]
    """(J, 3), see `group_sums`."""
    verdict: Verdict


def assemble(found: Gathered, plan: Plan) -> Comparison:
    """Estimate, resample once, judge, and return the comparison."""
    settings = plan.settings
    rng = np.random.default_rng(settings["seed"])
    units = _units(found.user, rng)
    kept, diagnostics, histograms = _estimates(found, units, plan)
    logged = _logged(found, units)
    sums = np.hstack([*(one.sums for one in kept), group_sums(logged, units.pooled, len(units.size))])
    draws = resample(sums, units.size, replicates=settings["replicates"], rng=rng)
    values = np.array([one.value for one in kept] + [logged.value])
    how = {
        "confidence": settings["confidence"],
        "clusters": units.clusters,
        "method": "student" if settings["interval"] == "student" else "bootstrap",
    }
    return Comparison(
        policies=tuple(found.target),
        table=_frame([_row(one, draws[:, k], found, plan) for k, one in enumerate(kept)]),
        differences=_differences(kept, values, draws, plan.chosen, how, against_log=False),
        against_log=_differences(kept, values, draws, plan.chosen, how, against_log=True),
        diagnostics=_frame([{"policy": name, **asdict(entry)} for name, entry in diagnostics.items()]),
        weights=_frame(histograms),
        logged=_logged_summary(logged, draws[:, -1], how),
        truth={
            name: {key: (float(pair[0]), float(pair[1])) for key, pair in entry.items()}
            for name, entry in plan.truth.items()
        },
        settings={**settings, "users": units.clusters},
    )


def _frame(records: list[dict[str, Any]]) -> pd.DataFrame:
    import pandas as pd

    return pd.DataFrame.from_records(records)


def _units(user: NDArray[np.int64], rng: np.random.Generator) -> Units:
    codes, clusters = cluster_codes(user, len(user))
    pooled, groups = pool_clusters(codes, clusters, MAX_GROUPS, rng)
    size = np.bincount(pooled, minlength=groups).astype(np.float64)
    return Units(None if clusters == len(user) else codes, clusters, pooled, size)


def _estimates(
    found: Gathered, units: Units, plan: Plan
) -> tuple[list[Kept], dict[str, Diagnostics], list[dict[str, Any]]]:
    kept: list[Kept] = []
    diagnostics: dict[str, Diagnostics] = {}
    histograms: list[dict[str, Any]] = []
    for policy in found.target:
        terms = _terms(found, policy, units, plan.bounds)
        weight = terms.weight
        codes, groups = cluster_codes(units.codes, terms.rows)
        diagnostics[policy] = diagnose(weight, codes, groups, unlogged=found.unlogged[policy])
        histograms += [{"policy": policy, **entry} for entry in weight_histogram(weight)]
        estimated = found.propensity_kind == "estimated"
        for one in plan.chosen:
            result, limits = _compute(policy, one, terms, plan)
            verdict = judge(
                diagnostics[policy],
                model_only=one.model_only,
                removed=result.removed,
                estimated_propensity=estimated,
            )
            sums = group_sums(result, units.pooled, len(units.size))
            kept.append(Kept(policy, one, result.value, result.std_error, result.ess, limits, sums, verdict))
    return kept, diagnostics, histograms


def _terms(found: Gathered, policy: str, units: Units, bounds: Mapping[str, Any]) -> BanditTerms:
    return BanditTerms(
        reward=found.reward,
        propensity=found.propensity,
        target=found.target[policy],
        q_logged=found.q_logged,
        q_target=found.q_target.get(policy),
        cluster=units.codes,
        fold=found.fold,
        **bounds,
    )


def _compute(
    policy: str, one: Estimator, terms: BanditTerms, plan: Plan
) -> tuple[Estimate, tuple[float, float] | None]:
    """Return the estimate, and its interval unless the shared resample makes it."""
    method, confidence = plan.settings["interval"], plan.settings["confidence"]
    try:
        result = estimate(one.name, terms, **plan.hyper.get(one.name, {}))
        return result, None if method == "bootstrap" else interval(result, method, confidence=confidence)
    except ValueError as error:
        raise ValueError(f"policy {policy!r}: {error}") from None


def _row(one: Kept, draws: NDArray[np.float64], found: Gathered, plan: Plan) -> dict[str, Any]:
    lower, upper = one.bounds if one.bounds is not None else percentile_interval(draws, plan.settings["confidence"])
    if np.isnan(one.value):
        lower, upper = -np.inf, np.inf
    known = plan.truth.get(one.policy, {}).get(one.estimator.estimand, (np.nan, np.nan))
    return {
        "policy": one.policy,
        "estimator": one.estimator.name,
        "estimand": one.estimator.estimand,
        "value": one.value,
        "std_error": one.std_error,
        "lower": lower,
        "upper": upper,
        "ess": one.ess,
        "verdict": one.verdict.level,
        "reason": one.verdict.reason,
        "propensity": found.propensity_kind,
        "truth": float(known[0]),
        "truth_std_error": float(known[1]),
    }


def _differences(
    kept: Sequence[Kept],
    values: NDArray[np.float64],
    draws: NDArray[np.float64],
    chosen: Sequence[Estimator],
    how: Mapping[str, Any],
    *,
    against_log: bool,
) -> pd.DataFrame:
    records: list[dict[str, Any]] = []
    for one in chosen:
        mine = [k for k, entry in enumerate(kept) if entry.estimator is one]
        pairs = [(k, len(kept)) for k in mine] if against_log else list(itertools.combinations(mine, 2))
        if not pairs:
            continue
        for (left, right), record in zip(pairs, differences(values, draws, pairs, **how), strict=True):
            other = LOG if against_log else kept[right].policy
            levels = [kept[k].verdict.level for k in (left, right) if k < len(kept)]
            names = {"estimator": one.name, "policy": kept[left].policy, "versus": other}
            records.append({**names, **record, "verdict": max(levels, key=LEVELS.index)})
    return _with_columns(records)


def _with_columns(records: list[dict[str, Any]]) -> pd.DataFrame:
    """Return a table that has its columns even where there is nothing to compare."""
    import pandas as pd

    from recenv.ope.differences import COLUMNS

    return pd.DataFrame.from_records(records, columns=["estimator", "policy", "versus", *COLUMNS, "verdict"])


def _logged(found: Gathered, units: Units) -> Estimate:
    """Return what the log itself earned: IPS with weights of 1."""
    ones = np.broadcast_to(1.0, found.reward.shape)
    return estimate("ips", BanditTerms(found.reward, ones, ones, cluster=units.codes))


def _logged_summary(logged: Estimate, draws: NDArray[np.float64], how: Mapping[str, Any]) -> dict[str, float]:
    if how["method"] == "student":
        lower, upper = student_interval(logged.value, logged.std_error, logged.clusters, how["confidence"])
    else:
        lower, upper = percentile_interval(draws, how["confidence"])
    return {"value": logged.value, "std_error": logged.std_error, "lower": lower, "upper": upper}
