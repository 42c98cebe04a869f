"""Fair exposure: which groups of items each policy shows, and how groups of users fare under it."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from typing import Any

from recenv.report.context import ReportContext
from recenv.report.forest import ForestRow
from recenv.report.html import Safe, join, paragraph
from recenv.report.picture import Picture
from recenv.report.rounding import decimals_for, interval, number, percent
from recenv.report.section import Section
from recenv.report.table import Column, Row, table

SHARE = (Column("Share of exposure", number=True), Column("Interval", number=True))
COLUMNS = ("policy", "kind", "divided_by", "group", "value", "low", "high", "target", "ratio", "users")


def fairness_section(context: ReportContext, pictures: Mapping[str, Picture]) -> Section:
    """Return exposure by item group and outcome by user group of each policy."""
    content: list[str] = [
        paragraph(
            "Attention falls with the position in a slate (1 / log2(1 + rank)). A group's share of all attention is "
            "set beside its target, its part of the catalogue unless said otherwise: a ratio of 1 is proportional, 0 "
            "is never shown. The gap is the largest distance of a share from its target. A user group's outcome is the "
            "mean reward of its users' sessions. Neither says why it is so, nor what is just."
        )
    ]
    if "exposure" in pictures:
        content += [pictures["exposure"].html("Share of exposure by item group."), _exposure(context.fairness)]
    if "outcome" in pictures:
        unit = f", {context.session_unit}" if context.session_unit else ""
        content += [pictures["outcome"].html(f"Mean reward of a session by user group{unit}.")]
        content += [_outcome(context.fairness, unit)]
    return Section("fairness", "Who is shown, and who is served", content)


def exposure_rows(fairness: Mapping[str, Mapping[str, Any]]) -> list[ForestRow]:
    """Return shares as rows of a forest plot, the target as what they would be; policies are headings."""
    return [
        ForestRow(label, one["share"], one["low"], one["high"], group=name, truth=one["target"])
        for name, found in fairness.items()
        for label, one in found.get("exposure", {}).items()
    ]


def outcome_rows(fairness: Mapping[str, Mapping[str, Any]]) -> list[ForestRow]:
    """Return outcomes as rows of a forest plot."""
    return [
        ForestRow(label, one["value"], one["low"], one["high"], group=name)
        for name, found in fairness.items()
        for label, one in found.get("outcome", {}).items()
    ]


def exposure_alt(fairness: Mapping[str, Mapping[str, Any]]) -> str:
    """Return the picture of exposure in words: each policy's gap."""
    gaps = [f"{name} {percent(one['exposure_gap'])}" for name, one in fairness.items() if "exposure_gap" in one]
    return f"Exposure by item group; largest distance from the target: {', '.join(gaps)}."


def outcome_alt(fairness: Mapping[str, Mapping[str, Any]]) -> str:
    """Return the picture of outcomes in words: each policy's gap."""
    gaps = [f"{name} {one['outcome_gap']['value']:.3g}" for name, one in fairness.items() if "outcome_gap" in one]
    return f"Outcome by user group; best less worst group: {', '.join(gaps)}."


def fairness_csv(fairness: Mapping[str, Mapping[str, Any]]) -> bytes:
    """Return one row a policy and group."""
    stream = io.StringIO()
    writer = csv.DictWriter(stream, COLUMNS, lineterminator="\n")
    writer.writeheader()
    for name, found in fairness.items():
        for label, one in found.get("exposure", {}).items():
            numbers = {key: one[key] for key in ("low", "high", "target", "ratio")}
            row = {"policy": name, "kind": "exposure", "divided_by": found["item_group"], "group": label}
            writer.writerow({**row, "value": one["share"], **numbers})
        for label, one in found.get("outcome", {}).items():
            row = {"policy": name, "kind": "outcome", "divided_by": found["user_group"], "group": label}
            writer.writerow({**row, **one})
    return stream.getvalue().encode()


def _exposure(fairness: Mapping[str, Mapping[str, Any]]) -> Safe:
    columns = [Column("Item group"), *SHARE, Column("Target", number=True), Column("Ratio", number=True)]
    rows = []
    for name, found in fairness.items():
        if "exposure" not in found:
            continue
        rows.append(Row([f"{name}: gap {percent(found['exposure_gap'])}"]))
        rows += [Row(_share_cells(label, one)) for label, one in found["exposure"].items()]
    return table(f"Exposure by {_divided(fairness, 'item_group')}", columns, rows)


def _share_cells(label: str, one: Mapping[str, float]) -> list[str]:
    return [
        label,
        number(one["share"], 3),
        interval(one["low"], one["high"], 3),
        number(one["target"], 3),
        number(one["ratio"], 2),
    ]


def _outcome(fairness: Mapping[str, Mapping[str, Any]], unit: str) -> Safe:
    columns = [Column("User group"), Column("Users", number=True), Column("Value", number=True)]
    columns += [Column("Interval", number=True)]
    rows = []
    for name, found in fairness.items():
        if "outcome" not in found:
            continue
        groups, gap = found["outcome"], found["outcome_gap"]
        decimals = decimals_for((one["high"] - one["low"]) / 2 for one in groups.values())
        ends = [number(gap["value"], decimals), " (", interval(gap["low"], gap["high"], decimals), ")"]
        rows.append(Row([join([f"{name}: best less worst ", *ends])]))
        for label, one in groups.items():
            ends_of = interval(one["low"], one["high"], decimals)
            rows.append(Row([label, f"{one['users']:,}", number(one["value"], decimals), ends_of]))
    return table(f"Outcome by {_divided(fairness, 'user_group')}{unit}", columns, rows)


def _divided(fairness: Mapping[str, Mapping[str, Any]], key: str) -> str:
    return next(str(found[key]) for found in fairness.values() if key in found)
