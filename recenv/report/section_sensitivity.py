"""Sensitivity: what a cause of the log's decisions that was not logged could change."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from recenv.report.context import ReportContext
from recenv.report.html import Safe, paragraph
from recenv.report.picture import Picture
from recenv.report.rounding import decimals_for, interval
from recenv.report.section import Section
from recenv.report.table import Column, Row, table

if TYPE_CHECKING:
    from recenv.ope.comparison import Comparison

COLUMNS = (
    Column("Leader"),
    Column("Versus"),
    Column("Could change at", number=True),
    Column("Not sure from", number=True),
    Column("Difference, no hidden cause", number=True),
    Column("At odds ratio 1.5", number=True),
    Column("At odds ratio 2", number=True),
)


def has_sensitivity(comparison: Comparison) -> bool:
    """Say whether there is something to show."""
    return comparison.sensitivity is not None and len(comparison.sensitivity) > 0


def sensitivity_alt(comparison: Comparison) -> str:
    """Return the picture in words."""
    parts = [
        f"ahead of {_other(row)}: could change at odds ratio {strength(row['point_overturned_at'])}"
        for row in _firsts(comparison)
    ]
    return (
        f"Possible differences of the leading policy by strength of a hidden cause: {'; '.join(parts)}. See the table."
    )


def sensitivity_section(comparison: Comparison, context: ReportContext, picture: Picture) -> Section:
    """Return the picture, the table, and how to read them."""
    unit = f", {context.reward_unit}" if context.reward_unit else ""
    found = comparison.sensitivity
    assert found is not None
    decimals = decimals_for((row["upper"] - row["lower"]) / 2 for row in _firsts(comparison))
    rows = [Row(_cells(found, row, decimals)) for row in _firsts(comparison)]
    content: list[Safe] = [
        paragraph(
            "If whoever chose the items saw something that was not logged and that also drives the response, such as "
            "a mood, every number above is biased. Nothing in the log can show it. What can be computed is how strong "
            "it would have to be: it changes the odds of showing an item by at most the odds ratio."
        ),
        picture.html(
            f"Strong colour: the differences that a hidden cause of this strength could have hidden{unit}. Faint: with "
            "the noise of the sample. Where the faint band meets 0 the leader is no longer sure; where the strong one "
            "does, the winner could be another."
        ),
        table(f"The leader's differences under hidden confounding (self-normalised estimate){unit}", COLUMNS, rows),
        paragraph(
            "Marginal sensitivity model (Tan 2006; Zhao, Small and Bhattacharya 2019; Kallus and Zhou 2018), sharp for "
            "the constraints that it uses. For scale: an odds ratio of 2 means that the hidden cause makes an item "
            "twice as likely to be shown, in odds, to some users, and half as likely to others.",
            role="small soft",
        ),
    ]
    return Section("sensitivity", "What could a hidden cause change?", content)


def strength(value: float) -> str:
    """Return an odds ratio for people."""
    return f"{value:.2f}" if math.isfinite(value) else "beyond those tried"


def _firsts(comparison: Comparison) -> list[dict[str, Any]]:
    """Return each comparison's row of the smallest strength."""
    assert comparison.sensitivity is not None
    firsts = comparison.sensitivity.drop_duplicates("versus").to_dict("records")
    return [{str(name): value for name, value in row.items()} for row in firsts]


def _other(row: dict[str, Any]) -> str:
    return "the log" if row["versus"] == "log" else str(row["versus"])


def _cells(found: Any, row: dict[str, Any], decimals: int) -> list[str]:
    cells = [str(row["policy"]), _other(row), strength(row["point_overturned_at"]), strength(row["overturned_at"])]
    cells.append(interval(row["lower"], row["upper"], decimals))
    for at in (1.5, 2.0):
        same = found[(found["versus"] == row["versus"]) & (found["strength"] == at)]
        cells.append("" if same.empty else interval(same["lower"].iloc[0], same["upper"].iloc[0], decimals))
    return cells
