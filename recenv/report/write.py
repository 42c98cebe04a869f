"""The report of a comparison: a page for people, tables and pictures beside it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from recenv.report.context import ReportContext, as_context
from recenv.report.markdown import markdown
from recenv.report.page import page
from recenv.report.picture import Picture
from recenv.report.pictures import NAMES, draw_pictures
from recenv.report.plain_verdict import verdict_lines
from recenv.report.publish import publish
from recenv.report.record import report_json, report_tables
from recenv.report.rounding import when
from recenv.report.section import Section
from recenv.report.section_data import data_section
from recenv.report.section_diagnostics import diagnostics_section
from recenv.report.section_differences import differences_section, gaps_to_show
from recenv.report.section_fairness import fairness_csv, fairness_section
from recenv.report.section_graph import graph_section
from recenv.report.section_identification import identification_section
from recenv.report.section_learning import learning_section
from recenv.report.section_making import glossary_section, making_section
from recenv.report.section_question import question_section
from recenv.report.section_reliability import reliability_section
from recenv.report.section_sensitivity import has_sensitivity, sensitivity_section
from recenv.report.section_sessions import sessions_section
from recenv.report.section_values import values_section
from recenv.report.section_verdict import verdict_section
from recenv.report.section_world import world_section
from recenv.report.versions import collect_versions

if TYPE_CHECKING:
    from recenv.ope.comparison import Comparison

PAGE, TEXT = "report.html", "report.md"
TITLE = "Which recommendation policy is better?"


def write_report(
    comparison: Comparison, folder: str | Path, *, context: ReportContext | Mapping[str, Any] | None = None
) -> Path:
    """Write `report.html` and, beside it, `report.md`, CSV tables, `report.json` and the pictures as PNG.

    The page is one file that loads nothing. The tables are `estimates.csv`, `differences.csv` and `diagnostics.csv`.
    The same input gives the same bytes. Other files in the folder stay.

    Parameters
    ----------
    comparison
        What `recenv.ope.evaluate` returned.
    folder
        Made if it isn't there.
    context
        What else to show, as a `ReportContext` or a mapping of its fields.

    Returns
    -------
    Path
        Of `report.html`.

    Raises
    ------
    ValueError
        If the context has an unknown field or one of the wrong shape; nothing is written then.
    """
    known = as_context(context)
    verdict = known.verdict or verdict_lines(comparison, unit=known.reward_unit, sessions=known.sessions)
    versions = dict(known.versions) if known.versions is not None else collect_versions()
    pictures = draw_pictures(comparison, known)
    files = report_tables(comparison)
    if known.fairness:
        files["fairness.csv"] = fairness_csv(known.fairness)
    files["report.json"] = report_json(comparison, known, verdict, versions)
    files |= {f"{name}.png": picture.png for name, picture in pictures.items()}
    sections = _sections(comparison, known, pictures, verdict)
    names = [*files, TEXT]
    sections += [making_section(comparison, known, versions, names), glossary_section(comparison)]
    subtitle = _subtitle(comparison, known)
    files[TEXT] = markdown(TITLE, subtitle, sections).encode()
    files[PAGE] = page(TITLE, subtitle, sections).encode()
    publish(folder, files, stale=["fairness.csv", *(f"{name}.png" for name in NAMES)])
    return Path(folder) / PAGE


def _sections(
    comparison: Comparison, context: ReportContext, pictures: Mapping[str, Picture], verdict: Sequence[str]
) -> list[Section]:
    world = context.world
    sections = [
        question_section(comparison, context),
        verdict_section(verdict),
        data_section(comparison, context),
    ]
    sections.append(values_section(comparison, context, pictures["values"]))
    if context.sessions:
        sections.append(sessions_section(context, pictures["sessions"]))
    if context.fairness:
        sections.append(fairness_section(context, pictures))
    sections.append(differences_section(comparison, context, gaps_to_show(comparison), pictures["differences"]))
    if has_sensitivity(comparison):
        sections.append(sensitivity_section(comparison, context, pictures["sensitivity"]))
    if comparison.reliability is not None:
        sections.append(reliability_section(comparison, context, pictures["reliability"]))
    sections.append(diagnostics_section(comparison, pictures["weights"]))
    sections.append(identification_section(comparison))
    if world is not None:
        sections.append(graph_section(world, pictures["graph"]))
    if context.learning_curves:
        sections.append(learning_section(context, pictures["learning_curves"]))
    if world is not None:
        sections.append(world_section(world, pictures.get("card")))
    return sections


def _subtitle(comparison: Comparison, context: ReportContext) -> str:
    count = len(comparison.policies)
    rows = comparison.settings.get("rows", 0)
    parts = [f"{count} polic{'y' if count == 1 else 'ies'} compared on {rows:,} logged decisions"]
    if context.world is not None:
        parts.append(f"world: {context.world.name}")
    return " \N{MIDDLE DOT} ".join([*parts, *([when(context.created)] if context.created else [])])
