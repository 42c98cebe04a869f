"""Reliability: how the estimators did on logs of worlds whose truth is known."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from recenv.report.context import ReportContext
from recenv.report.forest import ForestRow
from recenv.report.html import Safe, paragraph
from recenv.report.picture import Picture
from recenv.report.rounding import percent, significant
from recenv.report.section import Section
from recenv.report.table import Column, Row, table

if TYPE_CHECKING:
    from recenv.ope.comparison import Comparison
    from recenv.ope.reliability_result import Reliability

COLUMNS = (
    Column("Estimator"),
    Column("Typical error", number=True),
    Column("Worst in"),
    Column("Bias", number=True),
    Column("Intervals that hold the truth", number=True),
    Column("The same where the verdict is ok", number=True),
    Column("Refused", number=True),
    Column("False winners", number=True),
)


def reliability_rows(measured: Reliability) -> list[ForestRow]:
    """Return the lines of the picture: the root mean squared error of each estimator in each world."""
    return [
        ForestRow(
            label=str(row["estimator"]),
            value=float(row["rmse"]),
            low=float(row["rmse"] - 1.96 * row["rmse_std_error"]),
            high=float(row["rmse"] + 1.96 * row["rmse_std_error"]),
            group=str(row["world"]),
        )
        for _, row in measured.table.iterrows()
    ]


def reliability_alt(measured: Reliability) -> str:
    """Return the picture in words."""
    parts = [f"{row['estimator']} {significant(row['rmse'])} ({row['rmse_world']})" for _, row in _worst(measured)]
    return f"Typical error of each estimator in its worst world: {'; '.join(parts)}. See the table."


def reliability_section(comparison: Comparison, context: ReportContext, picture: Picture) -> Section:
    """Return the choice, the picture, the table, and how to read them."""
    measured = comparison.reliability
    assert measured is not None
    unit = f", {context.reward_unit}" if context.reward_unit else ""
    many = measured.settings["replications"]
    content: list[Safe] = [
        paragraph(
            f"In a simulated world the true value of every policy is known. The log was replicated {many} times in "
            f"each of {len(measured.worlds)} world{'s' * (len(measured.worlds) > 1)} ({', '.join(measured.worlds)}), "
            "and each estimator compared with the truth. The estimator that speaks in this report is the one whose "
            "worst world is the least bad."
        ),
        paragraph(f"Chosen: {comparison.settings.get('selection', comparison.headline)}."),
        picture.html(
            f"Typical (root mean squared) error of a policy's estimated value{unit}, by world; 95% intervals."
        ),
        table("Each estimator in its worst world", COLUMNS, [Row(_cells(row)) for _, row in _worst(measured)]),
        paragraph(
            "False winners: the share of logs in which a policy was declared better that is not. What is measured in "
            "simulated worlds holds for yours as far as the worlds do; several that disagree are worth more than one.",
            role="small soft",
        ),
    ]
    return Section("reliability", "How well do these estimators work on logs like this?", content)


def _worst(measured: Reliability) -> Any:
    return measured.worst.iterrows()


def _cells(row: Any) -> list[str]:
    shares = [_share(row[name]) for name in ("coverage", "coverage_ok", "abstention", "false_winner_rate")]
    return [
        str(row["estimator"]),
        significant(row["rmse"]),
        str(row["rmse_world"]),
        significant(row["bias"]),
        *shares,
    ]


def _share(value: float) -> str:
    return percent(value) if math.isfinite(value) else ""
