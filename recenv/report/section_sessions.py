"""Whole sessions in the simulated world: the value that one-step estimates cannot see."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from recenv.report.context import ReportContext
from recenv.report.forest import ForestRow
from recenv.report.html import Safe, paragraph
from recenv.report.picture import Picture
from recenv.report.rounding import decimals_for, interval, number
from recenv.report.section import Section
from recenv.report.table import Column, Row, table


def session_rows(sessions: Mapping[str, Mapping[str, float]]) -> list[ForestRow]:
    """Return the sessions' values as rows of a forest plot."""
    return [ForestRow(name, float(one["value"]), _end(one, "low"), _end(one, "high")) for name, one in sessions.items()]


def sessions_alt(sessions: Mapping[str, Mapping[str, float]]) -> str:
    """Return the plot in words."""
    return "Simulated value of whole sessions: " + ", ".join(
        f"{name} {one['value']:.4g}" for name, one in sessions.items()
    )


def sessions_section(context: ReportContext, picture: Picture) -> Section:
    """Return the policies' own values in the world, with what else is known of their sessions."""
    unit = f", {context.session_unit}" if context.session_unit else ""
    return Section(
        "sessions",
        "Whole sessions in the simulated world",
        [
            paragraph(
                "Here every policy acts in the simulated world and meets the users that it makes: tired, loyal or "
                "gone. This is the policy value, not the one-step value above, and it is as good as the world's "
                "assumptions are."
            ),
            picture.html(f"Mean total reward of a session{unit}."),
            _table(context.sessions, unit),
        ],
    )


def _table(sessions: Mapping[str, Mapping[str, float]], unit: str) -> Safe:
    more = list(dict.fromkeys(key for one in sessions.values() for key in one if key not in ("value", "low", "high")))
    columns = [Column("Policy"), Column("Value", number=True), Column("Interval", number=True)]
    columns += [Column(key.replace("_", " ").capitalize(), number=True) for key in more]
    decimals = decimals_for((_end(one, "high") - _end(one, "low")) / 2 for one in sessions.values())
    rows = [Row(_cells(name, one, more, decimals)) for name, one in sessions.items()]
    return table(f"Value of whole sessions{unit}", columns, rows)


def _cells(name: str, one: Mapping[str, Any], more: list[str], decimals: int) -> list[str]:
    ends = interval(_end(one, "low"), _end(one, "high"), decimals)
    others = [number(_end(one, key), decimals_for([abs(_end(one, key)) / 10])) for key in more]
    return [name, number(float(one["value"]), decimals), ends, *others]


def _end(one: Mapping[str, float], key: str) -> float:
    return float(one.get(key, math.nan))
