"""The data: what was logged, by whom, and under which terms it may be used."""

from __future__ import annotations

from typing import TYPE_CHECKING

from recenv.report.context import ReportContext
from recenv.report.html import Safe, definitions, element, paragraph
from recenv.report.rounding import decimals_for, fact, rounded, spread
from recenv.report.section import Section

if TYPE_CHECKING:
    from recenv.ope.comparison import Comparison

PROPENSITIES = {
    "logged": "logged with each decision",
    "estimated": "estimated by a model afterwards, so no number is without caution",
}


def data_section(comparison: Comparison, context: ReportContext) -> Section:
    """Return the facts about the log, then those about the data behind it."""
    content: list[Safe] = [element("h3", "The log of decisions"), definitions(_log_facts(comparison, context))]
    if context.data:
        facts = {name.replace("_", " "): fact(value) for name, value in context.data.items()}
        content += [element("h3", "Where it comes from"), definitions(facts)]
    for title, text in (("Terms of use. ", context.terms), ("Cite as. ", context.citation)):
        if text:
            content.append(paragraph(element("strong", title), text, role="small"))
    return Section("data", "The data", content)


def _log_facts(comparison: Comparison, context: ReportContext) -> dict[str, str]:
    settings, logged = comparison.settings, comparison.logged
    decimals = decimals_for([(logged["upper"] - logged["lower"]) / 2])
    unit = f" {context.reward_unit}" if context.reward_unit else ""
    kind = str(settings.get("propensity", ""))
    facts = {name: fact(settings[key]) for name, key in _COUNTS if key in settings}
    facts["mean reward"] = rounded(logged["value"], decimals) + unit
    facts["its interval"] = spread(logged["lower"], logged["upper"], decimals)
    facts |= {name: fact(value) for name, value in settings.get("data", {}).items()}
    if kind:
        facts["propensities"] = PROPENSITIES.get(kind, kind)
    return facts | _meta_facts(settings.get("log", {}))


_COUNTS = (("decisions", "rows"), ("users", "users"), ("items in the catalogue", "items"))


def _meta_facts(meta: object) -> dict[str, str]:
    """Return what the log says of itself, as far as it is a single number or text."""
    if not isinstance(meta, dict):
        return {}
    plain = {str(name): value for name, value in meta.items() if isinstance(value, str | int | float)}
    return {f"log: {name.replace('_', ' ')}": _plain(value) for name, value in plain.items()}


def _plain(value: str | int | float) -> str:
    # A seed or a version is a name: it gets no separators.
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else fact(value)
