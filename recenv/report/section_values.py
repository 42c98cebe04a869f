"""The policies' values by every estimator, beside the truth where it is known."""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping
from typing import TYPE_CHECKING, Any

from recenv.report.badge import badge
from recenv.report.context import ReportContext
from recenv.report.forest import REFUSED, ForestRow
from recenv.report.glossary import estimator_name, quantity
from recenv.report.html import Safe, paragraph
from recenv.report.picture import Picture
from recenv.report.rounding import decimals_for, exact, interval, number, rounded
from recenv.report.section import Section
from recenv.report.table import Column, Row, table

if TYPE_CHECKING:
    from recenv.ope.comparison import Comparison


def value_rows(comparison: Comparison) -> list[ForestRow]:
    """Return the estimates of the headline's estimand as rows of a forest plot, grouped by policy."""
    records = comparison.table[comparison.table["estimand"] == comparison.estimand].to_dict("records")
    return [
        ForestRow(
            row["estimator"], row["value"], row["lower"], row["upper"], row["verdict"], row["policy"], row["truth"]
        )
        for row in records
    ]


def values_alt(comparison: Comparison) -> str:
    """Return the plot in words, by the headline estimator."""
    rows = comparison.table[comparison.table["estimator"] == comparison.headline].to_dict("records")
    parts = [
        f"{row['policy']} {REFUSED}" if row["verdict"] == REFUSED else f"{row['policy']} {row['value']:.3g}"
        for row in rows
    ]
    return (
        f"Values with intervals by policy and estimator; by {comparison.headline}: {', '.join(parts)}. See the table."
    )


def values_section(comparison: Comparison, context: ReportContext, picture: Picture) -> Section:
    """Return the forest plot and the table."""
    unit = f", {context.reward_unit}" if context.reward_unit else ""
    sure = f"{comparison.settings.get('confidence', 0.95):.0%}"
    plain = estimator_name(comparison.headline)
    return Section(
        "values",
        "What each policy would have earned",
        [
            paragraph(
                f"Each line is one estimate of the {quantity(comparison.estimand)} with its {sure} interval. Several "
                f"estimators that agree are worth more than one. The verdict speaks by {plain} "
                f"({comparison.headline})."
            ),
            picture.html(
                f"{quantity(comparison.estimand).capitalize()} by policy and estimator{unit}. A grey cross is a number "
                "that the log cannot support: it is shown so that nobody has to guess, and must not be used."
            ),
            *(_table(comparison, estimand, sure, unit) for estimand in dict.fromkeys(comparison.table["estimand"])),
        ],
    )


def _table(comparison: Comparison, estimand: str, sure: str, unit: str) -> Safe:
    """Return the estimates of one estimand: values of different estimands cannot be compared."""
    records = comparison.table[comparison.table["estimand"] == estimand].to_dict("records")
    known = any(math.isfinite(row["truth"]) for row in records)
    columns = [
        Column("Estimator"),
        Column("Value", number=True),
        Column(f"{sure} interval", number=True),
        Column("Std. error", number=True),
        Column("Effective sample", number=True),
        *([Column("Truth", number=True)] if known else []),
        Column("Verdict"),
        Column("Why", wide=True),
    ]
    usable = [row for row in records if row["verdict"] != REFUSED] or records
    decimals = decimals_for((row["upper"] - row["lower"]) / 2 for row in usable)
    rows: list[Row] = []
    for place, row in enumerate(records):
        if place == 0 or records[place - 1]["policy"] != row["policy"]:
            rows.append(Row((row["policy"],)))
        rows.append(Row(_cells(row, decimals, known=known), refused=row["verdict"] == REFUSED))
    name = "One-step values" if estimand == "one_step" else quantity(estimand).capitalize()
    return table(f"{name}{unit}", columns, rows)


def _cells(row: Mapping[Hashable, Any], decimals: int, *, known: bool) -> list[str]:
    cells = [
        row["estimator"],
        number(row["value"], decimals),
        interval(row["lower"], row["upper"], decimals),
        number(row["std_error"], decimals + 1),
        exact(row["ess"], rounded(row["ess"], 0 if row["ess"] >= 10 else 1)),
    ]
    truth = [number(row["truth"], decimals)] if known else []
    return [*cells, *truth, badge(row["verdict"]), row["reason"]]
