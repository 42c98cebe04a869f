"""Diagnostics: whether the log can speak about a policy at all."""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping
from typing import TYPE_CHECKING, Any

from recenv.report.badge import badge
from recenv.report.forest import REFUSED
from recenv.report.html import Safe, paragraph
from recenv.report.picture import Picture
from recenv.report.rounding import exact, interval, number, percent, rounded, significant
from recenv.report.section import Section
from recenv.report.table import Column, Row, table

if TYPE_CHECKING:
    import pandas as pd

    from recenv.ope.comparison import Comparison

COLUMNS = (
    Column("Policy"),
    Column("Verdict"),
    Column("Effective sample", number=True),
    Column("Share of the log", number=True),
    Column("Effective users", number=True),
    Column("Mean weight", number=True),
    Column("99% interval", number=True),
    Column("Largest weight", number=True),
    Column("Its share", number=True),
    Column("Pareto k", number=True),
    Column("Matching decisions", number=True),
    Column("Without support", number=True),
    Column("Never logged", number=True),
)
AUDIT_COLUMNS = (
    Column("Policy"),
    Column("Test"),
    Column("Finding", wide=True),
    Column("Standard error", number=True),
    Column("p value", number=True),
)
AUDITS = {
    "propensity_calibration": "propensities fit the log",
    "drift": "no drift over the log",
    "episode_gaps": "no step of a session is missing",
    "copied_rows": "no row is there twice",
    "model_bias": "reward model's bias",
    "model_spread": "reward model's spread over refits",
}


def weights_alt(comparison: Comparison) -> str:
    """Return the picture of the weights in words."""
    rows = comparison.diagnostics.to_dict("records")
    parts = [
        f"{row['policy']} effective sample {row['ess']:,.0f}, largest weight {row['max_weight']:.3g}" for row in rows
    ]
    return f"Histograms of the weights by policy: {'; '.join(parts)}. See the table."


def diagnostics_section(comparison: Comparison, picture: Picture) -> Section:
    """Return the weights' picture, and the table with how to read it."""
    verdicts = {policy: comparison.verdict(policy).level for policy in comparison.policies}
    rows = [
        Row(_cells(row, verdicts[row["policy"]]), refused=verdicts[row["policy"]] == REFUSED)
        for row in comparison.diagnostics.to_dict("records")
    ]
    content: list[Safe] = [
        paragraph(
            "To judge a policy, the log's decisions are reweighted by how much more often that policy would have "
            "made them. A few huge weights mean that a few decisions decide, and the number is luck."
        ),
        picture.html(
            "Grey: where the log's decisions are. Blue: where the weight is. Blue far to the right of 1 means that "
            "few decisions carry the estimate."
        ),
        table("Overlap of each policy with the log", COLUMNS, rows),
        paragraph(
            "Effective sample: how many ordinary decisions the reweighted log is worth; below 100 is too few. Mean "
            "weight: 1 if the propensities are right and all choices could have been logged; the missing part is "
            "the share without support. Pareto k: above 0.7 the intervals are too narrow, above 1 no mean can be "
            "trusted; a dash means that there is no tail.",
            role="small soft",
        ),
    ]
    if comparison.audits is not None:
        content += _audits(comparison.audits)
    return Section("diagnostics", "Can the log answer?", content)


def _audits(audits: pd.DataFrame) -> list[Safe]:
    rows = [
        Row(
            [
                str(row["policy"]) or "the log",
                AUDITS.get(str(row["audit"]), str(row["audit"])),
                str(row["finding"]),
                exact(row["std_error"], significant(row["std_error"])) if math.isfinite(row["std_error"]) else "",
                exact(row["p_value"], significant(row["p_value"], 2)) if math.isfinite(row["p_value"]) else "",
            ]
        )
        for row in audits.to_dict("records")
    ]
    return [
        table("Tests of what these numbers rest on", AUDIT_COLUMNS, rows),
        paragraph(
            "A p value below 0.001 in the first two tests makes the estimates concerned a caution. No item should "
            "be shown more often than the logged probabilities say; a value should be the same in the earlier and the "
            "later half of the log; the reward model's bias is what weighted residuals say it is.",
            role="small soft",
        ),
    ]


def _cells(row: Mapping[Hashable, Any], verdict: str) -> list[str]:
    k = row["pareto_k"]
    return [
        row["policy"],
        badge(verdict),
        exact(row["ess"], rounded(row["ess"], 0 if row["ess"] >= 10 else 1)),
        exact(row["ess_share"], percent(row["ess_share"])),
        exact(row["ess_users"], rounded(row["ess_users"], 0 if row["ess_users"] >= 10 else 1)),
        number(row["mean_weight"], 3),
        interval(row["mean_weight_lower"], row["mean_weight_upper"], 2),
        exact(row["max_weight"], significant(row["max_weight"])),
        exact(row["max_weight_share"], percent(row["max_weight_share"])),
        number(k, 2) if math.isfinite(k) else rounded(k, 2),
        exact(row["match_share"], percent(row["match_share"])),
        exact(row["unsupported"], percent(row["unsupported"])),
        exact(row["unlogged"], percent(row["unlogged"])),
    ]
