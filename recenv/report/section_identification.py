"""What the numbers rest on, whatever the world: the causal assumptions, and what in this report looks at each."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from recenv.report.forest import REFUSED
from recenv.report.html import Safe, paragraph
from recenv.report.plain_verdict import names
from recenv.report.rounding import percent
from recenv.report.section import Section
from recenv.report.section_sensitivity import has_sensitivity
from recenv.report.table import Column, Row, table

if TYPE_CHECKING:
    from recenv.ope.comparison import Comparison

COLUMNS = (Column("Assumption"), Column("It says", wide=True), Column("What the log says of it", wide=True))
UNTESTABLE = "Nothing in a log can show it."
ALONE = "What one user is shown changes nothing for another, and an item works alike whoever chose it (consistency)."
HIDDEN = "Given what the logging policy saw, nothing else drove both what was shown and what was earned."
PROPENSITY = "Each decision was made with the probability that stands beside it."
OVERLAP = "Whatever a policy may show had a chance of being logged in the same situation."
STEADY = "Users and items respond at launch as they did in the log."
SEPARATE = "Users are independent of each other; rows of one user need not be."
MARKOV = "Value models and marginal weights take what was observed to be a Markov state; other session weights do not."


def identification_section(comparison: Comparison) -> Section:
    """Return the assumptions under which the log tells what a policy would have earned, with what speaks to each."""
    content: list[Safe] = [
        paragraph(
            "That a log tells what another policy would have earned is no matter of arithmetic: it follows from these "
            "assumptions. Intervals are about chance only; none of them covers an assumption that does not hold."
        ),
        table("The causal assumptions of the estimates", COLUMNS, [Row(cells) for cells in _assumptions(comparison)]),
    ]
    return Section("assumptions", "What the numbers assume", content)


def _assumptions(comparison: Comparison) -> list[tuple[str, str, str]]:
    steady = _finding(comparison, "drift", "no policy's value differs between the halves of the log")
    rows = [
        ("No interference", ALONE, UNTESTABLE),
        ("No hidden cause", HIDDEN, _hidden(comparison)),
        ("Right propensities", PROPENSITY, _told(comparison)),
        ("Overlap", OVERLAP, _overlap(comparison)),
        ("Nothing drifts", STEADY, steady),
        ("Separate users", SEPARATE, UNTESTABLE),
    ]
    if "policy_value" in set(comparison.table["estimand"]):
        state = comparison.settings.get("state")
        rows.append(("State", MARKOV, f"Declared: {', '.join(state)}." if state else "No state was declared."))
    return rows


def _hidden(comparison: Comparison) -> str:
    if not has_sensitivity(comparison):
        return f"{UNTESTABLE} How strong a hidden cause must be was not asked."
    return f"{UNTESTABLE} How strong a hidden cause must be stands under its own heading above."


def _told(comparison: Comparison) -> str:
    if comparison.settings.get("propensity") == "estimated":
        return "They were not logged but estimated, so every number is a caution at best."
    return _finding(comparison, "propensity_calibration", "the logged probabilities fit what was shown")


def _finding(comparison: Comparison, audit: str, fine: str) -> str:
    """Return what an audit found: the smallest p value over the policies, by Bonferroni's correction."""
    audits = comparison.audits
    found = None if audits is None else audits[(audits["audit"] == audit) & audits["p_value"].notna()]
    if found is None or not len(found):
        return "Not tested."
    p = min(1.0, float(found["p_value"].min()) * len(found))
    return f"{'Doubtful' if p < 0.05 else f'Tested: {fine}'} (smallest p value, corrected: {p:.2g})."


def _overlap(comparison: Comparison) -> str:
    refused = [name for name in comparison.policies if comparison.verdict(name).level == REFUSED]
    if refused:
        return f"Too little for {names(refused)}, whose numbers are refused."
    missing = comparison.diagnostics.set_index("policy")["unsupported"]
    usable = missing[missing.map(math.isfinite)]
    if usable.empty:
        return "Not measured."
    worst = str(usable.idxmax())
    return f"At worst {percent(max(0.0, float(usable.max())))} of a policy's weight ({worst}) has no counterpart."
