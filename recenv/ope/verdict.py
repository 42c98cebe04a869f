"""Whether to believe an estimate, with the reason in words."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal, NamedTuple

from recenv.ope.diagnostics import Diagnostics
from recenv.ope.estimate import Estimate
from recenv.ope.hidden_bias import bias_of_missing, bias_of_removed, noise_of_usual_residuals
from recenv.ope.registry import find_estimator
from recenv.ope.terms import BanditTerms

Level = Literal["ok", "caution", "not enough overlap"]
LEVELS: tuple[Level, ...] = ("ok", "caution", "not enough overlap")

MIN_ESS = 100.0
"""Fewer effective rows than this carry no asymptotic interval."""
MIN_ESS_SHARE = 0.01
"""Below this share of the rows, nearly all of the log says nothing about the policy."""
MIN_USERS = 30
"""Fewer users than this are too few for intervals by user."""
MAX_WEIGHT_SHARE = 0.05, 0.2
"""From these shares of all weight on, one row raises caution, or decides alone."""
MAX_PARETO_K = 0.7, 1.0
"""From these tail shapes on, intervals are too narrow, or the mean does not settle at all."""
MAX_UNSUPPORTED = 0.05, 0.1
"""From these shares of choices without support on, the bias is worth a warning, or too much is untried."""
MAX_REMOVED = 0.1
"""From this share of weight on, clipping or shrinking leaves a bias that no interval shows."""
MAX_BIAS = 0.5
"""From this many standard errors on, the bias of clipping or shrinking breaks the interval: 95% become 92%."""
MAX_NOISE = 1.25
"""From this ratio on, the standard error is too small by luck; chosen on bandits beside those of the coverage table."""


class Verdict(NamedTuple):
    """A level and why."""

    level: Level
    reason: str


def judge(
    diagnostics: Diagnostics,
    *,
    model_only: bool = False,
    removed: float = 0.0,
    bias: float = 0.0,
    missing: float = 0.0,
    noise: float = 1.0,
    estimated_propensity: bool = False,
) -> Verdict:
    """Return the verdict on one estimate; the worst finding decides, the reason lists all of that level.

    Parameters
    ----------
    model_only : bool
        Whether no logged reward corrects the reward model (`dm`); such an estimate is never `ok`.
    removed : float
        Share of the weight that clipping or shrinking took away.
    bias : float
        What that weight would have added to the value, in standard errors; 0 where it may be chance.
    missing : float
        What the weight that the log lacks would be worth, in standard errors; 0 where it may be chance.
    noise : float
        The standard error if residuals were as large under any weight, over the reported one.
    estimated_propensity : bool
        Whether the propensities come from a model.
    """
    findings = [*_overlap(diagnostics, model_only), *_tails(diagnostics), *_size(diagnostics)]
    findings += _assumptions(model_only, removed, bias, estimated_propensity)
    if missing >= MAX_BIAS and not model_only:
        off = f"the mean weight is {diagnostics.mean_weight:.3g}, not 1"
        findings.append(("caution", f"{off}: what the log lacks of this policy is worth {missing:.1f} standard errors"))
    if noise >= MAX_NOISE and not model_only:
        wider = f"with errors of the usual size the standard error would be {noise:.3g} times as large"
        findings.append(("caution", f"the rows of large weight met unusually small errors: {wider}"))
    worst: Level = max((level for level, _ in findings), key=LEVELS.index, default=LEVELS[0])
    reasons = [reason for level, reason in findings if level == worst]
    return Verdict(worst, "; ".join(reasons) or f"effective sample size {diagnostics.ess:,.0f}, no warning")


def judge_estimate(result: Estimate, diagnostics: Diagnostics, *, estimated_propensity: bool = False) -> Verdict:
    """Return the verdict on an estimate, with the biases that its interval does not show."""
    estimator = find_estimator(result.name)
    return judge(
        diagnostics,
        model_only=estimator.model_only,
        removed=result.removed,
        bias=bias_of_removed(result),
        missing=bias_of_missing(result, diagnostics) if estimator.terms is BanditTerms else 0.0,
        noise=noise_of_usual_residuals(result),
        estimated_propensity=estimated_propensity,
    )


Finding = tuple[Level, str]


def _overlap(d: Diagnostics, model_only: bool) -> Iterator[Finding]:
    if d.max_weight == 0:
        more = ": the model extrapolates" if model_only else ""
        yield "not enough overlap", f"no logged row shows an item that this policy would show{more}"
        return
    if d.ess < MIN_ESS and d.ess_share < 0.5:
        yield "not enough overlap", f"{d.rows:,} rows are worth only {d.ess:.3g} rows of this policy"
    elif d.ess_share < MIN_ESS_SHARE:
        yield "caution", f"only {d.ess_share:.2%} of the log speaks about this policy"
    if d.mean_weight_upper < 1 - MAX_UNSUPPORTED[1]:
        yield "not enough overlap", f"about {d.unsupported:.0%} of its choices could not have been logged"
    elif d.mean_weight_upper < 1 and d.unsupported >= MAX_UNSUPPORTED[0]:
        yield "caution", f"about {d.unsupported:.1%} of its choices could not have been logged"
    if d.mean_weight_lower > 1 and d.mean_weight >= 1 + MAX_UNSUPPORTED[0]:
        yield "caution", f"the mean weight is {d.mean_weight:.3g}, not 1: the propensities do not fit the log"


def _tails(d: Diagnostics) -> Iterator[Finding]:
    if d.max_weight_share >= MAX_WEIGHT_SHARE[1]:
        yield "not enough overlap", f"one row carries {d.max_weight_share:.0%} of all weight"
    elif d.max_weight_share >= MAX_WEIGHT_SHARE[0]:
        yield "caution", f"one row carries {d.max_weight_share:.0%} of all weight"
    if d.pareto_k > MAX_PARETO_K[1]:
        yield "not enough overlap", f"the weights' tail is too heavy for a mean (Pareto k {d.pareto_k:.2f})"
    elif d.pareto_k > MAX_PARETO_K[0]:
        yield "caution", f"the weights' tail is heavy (Pareto k {d.pareto_k:.2f}), the interval is too narrow"


def _size(d: Diagnostics) -> Iterator[Finding]:
    if d.ess < MIN_ESS and d.ess_share >= 0.5:
        yield "caution", f"the log is small: {d.rows:,} rows"
    if d.clusters < MIN_USERS:
        yield "caution", f"only {d.clusters} users: intervals by user are rough"


def _assumptions(model_only: bool, removed: float, bias: float, estimated_propensity: bool) -> Iterator[Finding]:
    if model_only:
        yield "caution", "depends on the reward model alone; its interval does not contain the model's error"
    if removed >= MAX_REMOVED:
        yield "caution", f"{removed:.0%} of the weight was clipped or shrunk away: the bias is not in the interval"
    elif bias >= MAX_BIAS:
        yield (
            "caution",
            f"what was clipped or shrunk away is worth {bias:.1f} standard errors: a bias outside the interval",
        )
    if estimated_propensity:
        yield "caution", "the propensities are estimated, not logged"
