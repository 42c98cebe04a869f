"""The question, the policies, and what kind of answer a log can give."""

from __future__ import annotations

from typing import TYPE_CHECKING

from recenv.report.context import ReportContext
from recenv.report.glossary import quantity
from recenv.report.html import element, paragraph
from recenv.report.section import Section
from recenv.report.table import Column, Row, table

if TYPE_CHECKING:
    from recenv.ope.comparison import Comparison

DEFAULT = "Which of these recommendation policies earns most, on the users and situations that the log has seen?"


def _meaning(comparison: Comparison, unit: str) -> str:
    """Return what the headline's numbers are."""
    if comparison.estimand == "one_step":
        return (
            f"The one-step value: the mean reward{unit} of one decision, had the policy made it for the same users "
            "in the same situations. It says nothing about the long run: a policy that bores or drives away its "
            "users looks no worse here."
        )
    if comparison.estimand == "policy_value":
        steps, gamma = comparison.settings.get("horizon"), comparison.settings.get("gamma", 1.0)
        counted = "every step counts alike" if gamma == 1 else f"a step counts {gamma:g} times the one before"
        return (
            f"The policy value: the mean total reward{unit} of a session of up to {steps} steps under the policy "
            f"itself, in the situations that it brings about; {counted}."
        )
    return f"The {quantity(comparison.estimand)}{unit} under the policy."


def question_section(comparison: Comparison, context: ReportContext) -> Section:
    """Return the question, what every policy is, and what the numbers mean."""
    content = [paragraph(context.question or DEFAULT)]
    if context.agents:
        rows = [Row((name, context.agents.get(name, ""))) for name in comparison.policies]
        rows += [Row((name, text)) for name, text in context.agents.items() if name not in comparison.policies]
        content.append(table("The policies", (Column("Policy"), Column("What it does", wide=True)), rows))
    else:
        content.append(paragraph(f"The policies: {', '.join(comparison.policies)}."))
    unit = f" ({context.reward_unit})" if context.reward_unit else ""
    content.append(paragraph(element("strong", "What is estimated. "), _meaning(comparison, unit)))
    return Section("question", "The question", content)
