"""Paired differences: who is ahead of whom, with intervals that hold for all comparisons at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from recenv.report.badge import badge
from recenv.report.context import ReportContext
from recenv.report.forest import REFUSED, ForestRow
from recenv.report.glossary import estimator_name
from recenv.report.html import Safe, details, paragraph
from recenv.report.paired import Gap, Pairs, oriented, pairs_of
from recenv.report.picture import Picture
from recenv.report.rounding import decimals_for, exact, interval, number
from recenv.report.section import Section
from recenv.report.table import Column, Row, table

if TYPE_CHECKING:
    from recenv.ope.comparison import Comparison

MOST = 20
"""More comparisons than this are folded away."""


def gaps_to_show(comparison: Comparison) -> list[Gap]:
    """Return the headline's gaps that are drawn: the policy that leads against each other one and against the log."""
    table_ = comparison.table[comparison.table["estimator"] == comparison.headline]
    usable = table_[(table_["verdict"] != REFUSED) & table_["value"].notna()]
    leader = (usable if len(usable) else table_).sort_values("value", ascending=False)["policy"].iloc[0]
    between, against = _pairs(comparison, comparison.headline)
    found = [oriented(between, leader, other) for other in comparison.policies if other != leader]
    return [gap for gap in (*found, oriented(against, leader, "log")) if gap is not None]


def difference_rows(gaps: list[Gap]) -> list[ForestRow]:
    """Return gaps as rows of a forest plot, with their simultaneous intervals."""
    return [
        ForestRow(
            f"ahead of {_other(gap)}", gap.difference, gap.lower_simultaneous, gap.upper_simultaneous, gap.verdict
        )
        for gap in gaps
    ]


def differences_alt(gaps: list[Gap]) -> str:
    """Return the plot in words."""
    parts = "; ".join(
        f"{gap.conclusion} of {_other(gap)}" if gap.conclusion == "ahead" else f"{_other(gap)}: {gap.conclusion}"
        for gap in gaps
    )
    return f"Paired differences of {gaps[0].policy}: {parts}. See the table."


def differences_section(comparison: Comparison, context: ReportContext, gaps: list[Gap], picture: Picture) -> Section:
    """Return the plot, the headline's table, and the other estimators' folded away."""
    unit = f", {context.reward_unit}" if context.reward_unit else ""
    others = [name for name in dict.fromkeys(comparison.table["estimator"]) if name != comparison.headline]
    content: list[Safe] = [
        paragraph(
            "Both policies of a pair are judged on the same users, so what is luck of the draw for both cancels. "
            "The simultaneous interval and the adjusted p-value allow for the number of comparisons: with many "
            "policies, one would look best by chance alone."
        ),
        picture.html(
            f"How far {gaps[0].policy} is ahead, by {estimator_name(comparison.headline)}, with simultaneous "
            f"intervals{unit}. Right of 0 is ahead."
        ),
        *_headline_tables(comparison, gaps, unit),
    ]
    if others:
        folded = [_table(_all_gaps(comparison, name), name, unit) for name in others]
        content.append(details(f"The same by {', '.join(others)}", folded))
    return Section("differences", "Which policy is ahead of which", content)


def _pairs(comparison: Comparison, estimator: str) -> tuple[Pairs, Pairs]:
    return pairs_of(comparison.differences, estimator), pairs_of(comparison.against_log, estimator)


def _other(gap: Gap) -> str:
    return "the log" if gap.versus == "log" else gap.versus


def _headline_tables(comparison: Comparison, gaps: list[Gap], unit: str) -> list[Safe]:
    """Return the headline's gaps; where they are many, the leading policy's, and all of them folded away."""
    found = _all_gaps(comparison, comparison.headline)
    everything = _table(found, comparison.headline, unit)
    if len(found) <= MOST:
        return [everything]
    return [_table(gaps, comparison.headline, unit), details(f"All {len(found)} comparisons", everything)]


def _all_gaps(comparison: Comparison, estimator: str) -> list[Gap]:
    between, against = _pairs(comparison, estimator)
    return [*_in_order(comparison, estimator, between), *against.values()]


def _table(gaps: list[Gap], estimator: str, unit: str) -> Safe:
    columns = [
        Column("Policy"),
        Column("Versus"),
        Column("Difference", number=True),
        Column("Interval", number=True),
        Column("Simultaneous interval", number=True),
        Column("Adjusted p", number=True),
        Column("Policy is"),
    ]
    decimals = decimals_for((gap.upper - gap.lower) / 2 for gap in gaps if gap.verdict != REFUSED)
    rows = [Row(_cells(gap, decimals), refused=gap.verdict == REFUSED) for gap in gaps]
    return table(f"Paired differences by {estimator_name(estimator)} ({estimator}){unit}", columns, rows)


def _in_order(comparison: Comparison, estimator: str, pairs: Pairs) -> list[Gap]:
    """Return the gaps with the leading policy of each pair first, so that a difference reads "by how much ahead"."""
    rows = comparison.table[comparison.table["estimator"] == estimator]
    best = rows.assign(refused=rows["verdict"] == REFUSED).sort_values(["refused", "value"], ascending=[True, False])
    order = {name: place for place, name in enumerate(best["policy"])}
    gaps = [gap if not gap.difference < 0 else gap.turned() for gap in pairs.values()]
    return sorted(gaps, key=lambda gap: (gap.verdict == REFUSED, order[gap.policy], order[gap.versus]))


def _cells(gap: Gap, decimals: int) -> list[str]:
    p = "< 0.001" if gap.p_adjusted < 0.001 else f"{gap.p_adjusted:.3f}"
    refused = gap.conclusion == REFUSED
    return [
        gap.policy,
        _other(gap),
        number(gap.difference, decimals),
        interval(gap.lower, gap.upper, decimals),
        interval(gap.lower_simultaneous, gap.upper_simultaneous, decimals),
        exact(gap.p_adjusted, p),
        badge(REFUSED) if refused else gap.conclusion + (" (caution)" if gap.verdict == "caution" else ""),
    ]
