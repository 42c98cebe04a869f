"""From the vectors of one pass to the tables of a comparison."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from recenv.ope.audits import Audit, audits_of, propensity_calibration
from recenv.ope.bootstrap import group_sums, percentile_interval, resample
from recenv.ope.clusters import cluster_codes
from recenv.ope.comparison import Comparison, headline
from recenv.ope.diagnostics import Diagnostics, diagnose
from recenv.ope.differences import differences
from recenv.ope.effective_sample_size import effective_sample_size
from recenv.ope.empirical_likelihood import empirical_likelihood_interval
from recenv.ope.estimate import Estimate, estimate
from recenv.ope.estimator import Estimator
from recenv.ope.evaluate_inputs import Hyper, Truth, is_sequential, needs_state
from recenv.ope.evidence import Evidence
from recenv.ope.hidden_shift import hidden_shift
from recenv.ope.intervals import interval
from recenv.ope.log_facts import log_facts
from recenv.ope.overturning import overturning
from recenv.ope.sequential_registry import BLENDS, POLICY_VALUE
from recenv.ope.student import student_interval
from recenv.ope.terms import BanditTerms, Terms
from recenv.ope.trajectory_terms import TrajectoryTerms
from recenv.ope.tuning import tuned_estimate
from recenv.ope.verdict import LEVELS, Verdict, judge_estimate
from recenv.ope.views import View
from recenv.ope.weight_histogram import weight_histogram

if TYPE_CHECKING:
    import pandas as pd

    from recenv.ope.reliability_result import Reliability

LOG = "log"
DOUBTS = ("propensity_calibration", "drift")
"""Audits that, failed, keep an estimate from being `ok`."""
OF_MODEL = ("model_bias", "model_spread")
"""Audits that say how much the direct method, which is never `ok`, may be off."""


class Plan(NamedTuple):
    """What was asked for."""

    chosen: Sequence[Estimator]
    """Estimators."""
    hyper: Hyper
    """Estimator -> its hyper-parameters, or how to choose them."""
    bounds: Mapping[str, Any]
    """`reward_range` and `weight_max`, or None."""
    truth: Truth
    """What the caller knows."""
    settings: Mapping[str, Any]
    """Everything that the result should tell, `interval`, `confidence`, `replicates` and `seed` among it."""
    declared: bool = True
    """Whether the caller named a Markov state."""
    reliability: Reliability | None = None
    """What chose the headline; None where preference does."""


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
    hyper: Mapping[str, float | str]
    """As used, chosen ones included."""


def assemble(found: Evidence, plan: Plan, rng: np.random.Generator) -> Comparison:
    """Estimate, resample once, judge, and return the comparison."""
    settings, units = plan.settings, found.units
    audits = [*_copies(settings.get("log", {})), *_audits(found)]
    kept, diagnostics, histograms = _estimates(found, plan, audits)
    logged = _logged(found.views, plan)
    parts = [group_sums(one, view.pooled, len(units.size)) for view, one in logged.values()]
    sizes = [found.views[one.estimator.terms].units.size for one in kept] + [
        view.units.size for view, _ in logged.values()
    ]
    draws = resample(
        np.hstack([*(one.sums for one in kept), *parts]),
        np.stack(sizes, axis=1),
        replicates=settings["replicates"],
        rng=rng,
    )
    values = np.array([one.value for one in kept] + [one.value for _, one in logged.values()])
    places = {estimand: len(kept) + k for k, estimand in enumerate(logged)}
    how = {
        "confidence": settings["confidence"],
        "clusters": units.clusters,
        "method": "student" if settings["interval"] == "student" else "bootstrap",
    }
    speaks = settings.get("selected") or headline([one.name for one in plan.chosen])
    first = next(one.estimand for one in plan.chosen if one.name == speaks)
    table = _frame([_row(one, draws[:, k], found, plan) for k, one in enumerate(kept)])
    return Comparison(
        policies=found.policies,
        table=table,
        differences=_differences(kept, values, draws, plan.chosen, how),
        against_log=_differences(kept, values, draws, plan.chosen, how, logged=places),
        diagnostics=_frame([{"policy": name, **asdict(entry)} for name, entry in diagnostics.items()]),
        weights=_frame(histograms),
        logged=_logged_summary(logged[first][1], draws[:, places[first]], how),
        truth={
            name: {key: (float(pair[0]), float(pair[1])) for key, pair in entry.items()}
            for name, entry in plan.truth.items()
        },
        audits=_frame([one._asdict() for one in audits]) if audits else None,
        sensitivity=_sensitivity(found, table, plan),
        reliability=plan.reliability,
        settings={
            **settings,
            "users": units.clusters,
            "data": log_facts(found.views, found.policies[0]),
            **_tuned(kept, plan),
        },
    )


def _sensitivity(found: Evidence, table: pd.DataFrame, plan: Plan) -> pd.DataFrame | None:
    """Return the sensitivity of the leader by the headline estimator of one decision, or None if not asked."""
    strengths, view = plan.settings["sensitivity"], found.views.get(BanditTerms)
    names = [one.name for one in plan.chosen if one.estimand == "one_step"]
    if not strengths or view is None or not names:
        return None
    speaks = headline(names)
    judged = table[(table["estimator"] == speaks) & (table["verdict"] != LEVELS[-1]) & table["value"].notna()]
    leader = None if judged.empty else str(judged["policy"].iloc[int(judged["value"].argmax())])
    terms = {name: view.terms(name, {}) for name in judged["policy"]}
    how = {"confidence": plan.settings["confidence"], "seed": plan.settings["seed"]}
    return overturning(terms, leader, strengths=strengths, log=LOG, **how)  # type: ignore[arg-type]


def _copies(meta: Mapping[str, Any]) -> list[Audit]:
    """Return what to say of rows that are there twice; nothing where none is."""
    told = meta.get("copied_rows")
    if not told:
        return []
    finding = (
        f"{told['rows']:,} rows repeat another row in every column, the first of them row {told['first']}, a copy of "
        f"row {told['of']}: drop them unless each was a decision of its own"
    )
    return [Audit("", "copied_rows", float(told["rows"]), np.nan, np.nan, finding)]


def _audits(found: Evidence) -> list[Audit]:
    """Return the tests of the log and of each policy's decisions; none where decisions have no probabilities."""
    view = found.views.get(BanditTerms)
    if view is None:
        return []
    later = np.arange(found.decisions) >= found.decisions // 2  # rows stand in the order of the sessions
    audits = [] if found.gap is None else [found.gap]
    audits += [] if found.counts is None else [propensity_calibration(found.counts)]
    for policy in found.policies:
        terms = view.terms(policy, {})
        assert isinstance(terms, BanditTerms)
        audits += audits_of(policy, terms, later)
    return audits


def _frame(records: list[dict[str, Any]]) -> pd.DataFrame:
    import pandas as pd

    return pd.DataFrame.from_records(records)


def _estimates(
    found: Evidence, plan: Plan, audits: Sequence[Audit]
) -> tuple[list[Kept], dict[str, Diagnostics], list[dict[str, Any]]]:
    kept: list[Kept] = []
    diagnostics: dict[str, Diagnostics] = {}
    histograms: list[dict[str, Any]] = []
    families = dict.fromkeys(one.terms for one in plan.chosen)
    for policy in found.policies:
        terms = {family: found.views[family].terms(policy, plan.bounds) for family in families}
        shared: dict[type[Terms], Diagnostics] = {}
        own = [_judged(policy, one, terms[one.terms], found, plan, shared) for one in plan.chosen]
        mine = [one for one in audits if one.policy in ("", policy)]
        kept += [_doubted(entry, mine) for entry, _, _ in own]
        # The table of diagnostics has one line a policy: by row where there is one, never the model's.
        order = sorted(own, key=lambda entry: (is_sequential(entry[0].estimator), entry[0].estimator.model_only))
        diagnostics[policy], weight = order[0][1:]
        histograms += [{"policy": policy, **entry} for entry in weight_histogram(weight)]
    return kept, diagnostics, histograms


def _judged(
    policy: str,
    one: Estimator,
    terms: Terms,
    found: Evidence,
    plan: Plan,
    shared: dict[type[Terms], Diagnostics],
) -> tuple[Kept, Diagnostics, NDArray[np.float64]]:
    """Return an estimate with its verdict, the diagnostics behind it and the weights that these are of.

    `shared` keeps the diagnostics of each family's own weights, since most bandit estimators look at the same.
    """
    view = found.views[one.terms]
    result, limits = _compute(policy, one, terms, plan)
    own = one.terms is not BanditTerms and not one.model_only
    weight = least_supported(result.contribution.weight) if own else terms.weight
    diagnostics = None if own else shared.get(one.terms)
    if diagnostics is None:
        codes, groups = cluster_codes(view.units.codes, terms.rows)
        diagnostics = diagnose(weight, codes, groups, unlogged=found.unlogged[policy])
    if not own:
        shared[one.terms] = diagnostics
    verdict = judge_estimate(result, diagnostics, estimated_propensity=found.propensity_kind == "estimated")
    for reason in (*_doubts(one, terms, plan), *hidden_shift(result, terms, found, policy)):
        verdict = _with_doubt(verdict, reason)
    sums = group_sums(result, view.pooled, len(view.units.size))
    entry = Kept(policy, one, result.value, result.std_error, result.ess, limits, sums, verdict, result.hyper)
    return entry, diagnostics, weight


def least_supported(weight: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return one weight a decision (n,): of weights by position (n, K), those that the fewest rows carry."""
    if weight.ndim == 1:
        return weight
    return weight[:, int(np.argmin([effective_sample_size(column) for column in weight.T]))]


def _doubts(one: Estimator, terms: Terms, plan: Plan) -> Iterator[str]:
    """Yield what else keeps a sequential estimate from being `ok`."""
    if not isinstance(terms, TrajectoryTerms):
        return
    if needs_state(one) and not plan.declared:
        yield "rests on a Markov state, and none was declared (state=): the whole observation was taken for it"
    if one.name in BLENDS:
        yield "leans on the value model where that seems close enough; its interval does not contain the model's error"
    cut = float(terms.truncated.mean())
    if cut > 0:
        yield f"{cut:.1%} of the sessions were cut before step {terms.steps}: what came later is not counted"


def _doubted(entry: Kept, audits: Sequence[Audit]) -> Kept:
    """Return the estimate with what failed audits say of it; of the direct method, all that its model's audits say."""
    alone = entry.estimator.model_only and not is_sequential(entry.estimator)
    for one in audits:
        if (one.audit in DOUBTS and one.alarming) or (alone and one.audit in OF_MODEL):
            entry = replace(entry, verdict=_with_doubt(entry.verdict, one.finding))
    return entry


def _with_doubt(verdict: Verdict, reason: str) -> Verdict:
    if verdict.level == LEVELS[0]:
        return Verdict("caution", reason)
    return verdict if verdict.level == LEVELS[-1] else Verdict(verdict.level, f"{verdict.reason}; {reason}")


def _compute(policy: str, one: Estimator, terms: Terms, plan: Plan) -> tuple[Estimate, tuple[float, float] | None]:
    """Return the estimate, and its interval unless the shared resample makes it."""
    method = plan.settings["interval"]
    how = {name: plan.settings[name] for name in ("confidence", "replicates", "seed")}
    try:
        result = _estimate(one, terms, plan)
        if method == "empirical_likelihood":
            assert isinstance(terms, BanditTerms)  # `choose` has checked it
            return result, empirical_likelihood_interval(terms, confidence=how["confidence"])
        return result, None if method == "bootstrap" else interval(result, method, **how)
    except ValueError as error:
        raise ValueError(f"policy {policy!r}: {error}") from None


def _estimate(one: Estimator, terms: Terms, plan: Plan) -> Estimate:
    hyper = plan.hyper.get(one.name, {})
    if isinstance(hyper, str):
        return tuned_estimate(one.name, terms, method=hyper, seed=plan.settings["seed"]).estimate
    return estimate(one.name, terms, **hyper)


def _tuned(kept: Sequence[Kept], plan: Plan) -> dict[str, Any]:
    """Return what was chosen for whom, where something was: policy -> estimator -> hyper-parameters."""
    found: dict[str, dict[str, Any]] = {}
    for entry in kept:
        if isinstance(plan.hyper.get(entry.estimator.name), str):
            found.setdefault(entry.policy, {})[entry.estimator.name] = dict(entry.hyper)
    return {"tuned": found} if found else {}


def _row(one: Kept, draws: NDArray[np.float64], found: Evidence, plan: Plan) -> dict[str, Any]:
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
    logged: Mapping[str, int] | None = None,
) -> pd.DataFrame:
    """Return all pairs of policies by each estimator, or each policy against the log's own `logged` estimands."""
    records: list[dict[str, Any]] = []
    for one in chosen:
        mine = [k for k, entry in enumerate(kept) if entry.estimator is one]
        pairs = [(k, logged[one.estimand]) for k in mine] if logged else list(itertools.combinations(mine, 2))
        if not pairs:
            continue
        for (left, right), record in zip(pairs, differences(values, draws, pairs, **how), strict=True):
            other = LOG if logged else kept[right].policy
            levels = [kept[k].verdict.level for k in (left, right) if k < len(kept)]
            names = {"estimator": one.name, "policy": kept[left].policy, "versus": other}
            records.append({**names, **record, "verdict": max(levels, key=LEVELS.index)})
    return _with_columns(records)


def _with_columns(records: list[dict[str, Any]]) -> pd.DataFrame:
    """Return a table that has its columns even where there is nothing to compare."""
    import pandas as pd

    from recenv.ope.differences import COLUMNS

    return pd.DataFrame.from_records(records, columns=["estimator", "policy", "versus", *COLUMNS, "verdict"])


def _logged(views: Mapping[type[Terms], View], plan: Plan) -> dict[str, tuple[View, Estimate]]:
    """Return what the log itself says of each estimand: the same with weights of 1."""
    result: dict[str, tuple[View, Estimate]] = {}
    simple = {"one_step": "ips", POLICY_VALUE: "tis"}
    for one in sorted(plan.chosen, key=is_sequential):
        if one.estimand not in result:
            view, name = views[one.terms], simple.get(one.estimand, one.name)
            own = plan.hyper.get(one.name, {})
            hyper = {} if one.estimand in simple or isinstance(own, str) else own
            result[one.estimand] = view, estimate(name, view.on_policy(), **hyper)
    return result


def _logged_summary(logged: Estimate, draws: NDArray[np.float64], how: Mapping[str, Any]) -> dict[str, float]:
    if how["method"] == "student":
        lower, upper = student_interval(logged.value, logged.std_error, logged.clusters, how["confidence"])
    else:
        lower, upper = percentile_interval(draws, how["confidence"])
    return {"value": logged.value, "std_error": logged.std_error, "lower": lower, "upper": upper}
