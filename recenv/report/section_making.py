"""How the report was made: command, settings, versions, machine; what its terms mean."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from recenv.report.context import ReportContext
from recenv.report.glossary import ESTIMATORS, GLOSSARY
from recenv.report.html import Safe, definitions, element, paragraph
from recenv.report.rounding import fact, when
from recenv.report.section import Section

if TYPE_CHECKING:
    from recenv.ope.comparison import Comparison

SETTINGS = ("estimators", "hyper", "interval", "confidence", "replicates", "folds", "reward_model", "propensity")


def making_section(
    comparison: Comparison, context: ReportContext, versions: Mapping[str, str], files: Sequence[str]
) -> Section:
    """Return what is needed to make it again."""
    content: list[Safe] = []
    if context.command:
        content += [element("h3", "Command"), element("pre", element("code", context.command))]
    content += [element("h3", "Settings"), definitions(_facts(comparison.settings, context))]
    content += [element("h3", "Versions"), definitions(dict(versions))]
    content += [
        element("h3", "Files beside this page"),
        paragraph("The same numbers, unrounded, and the pictures: ", ", ".join(files), "."),
    ]
    return Section("making", "How it was made", content)


def glossary_section(comparison: Comparison) -> Section:
    """Return the terms in plain words, and the estimators that were used."""
    used = dict.fromkeys(comparison.table["estimator"])
    terms = GLOSSARY | {name: ESTIMATORS[name].capitalize() + "." for name in used if name in ESTIMATORS}
    pairs = [part for term, text in terms.items() for part in (element("dt", term), element("dd", text))]
    return Section("glossary", "Glossary", element("dl", pairs, {"class": "glossary"}))


def _facts(settings: Mapping[str, Any], context: ReportContext) -> dict[str, str]:
    facts = {name.replace("_", " "): fact(settings[name]) for name in SETTINGS if settings.get(name) not in (None, {})}
    if "confidence" in settings:
        facts["confidence"] = f"{settings['confidence']:.4g}"
    if "seed" in settings:
        facts["seed of the evaluation"] = str(settings["seed"])
    if context.seed is not None:
        facts["seed of the run"] = str(context.seed)
    if context.machine:
        facts["machine"] = context.machine
    if context.created:
        facts["made"] = when(context.created)
    return facts
