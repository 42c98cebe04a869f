"""All pictures of a report, each drawn only where there is something to draw."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from recenv.report.card_plot import card_figure, has_card_picture
from recenv.report.context import ReportContext
from recenv.report.forest import ForestRow, forest_figure
from recenv.report.glossary import quantity
from recenv.report.graph_drawing import graph_figure
from recenv.report.learning_plot import learning_figure
from recenv.report.picture import Picture, render
from recenv.report.section_diagnostics import weights_alt
from recenv.report.section_differences import difference_rows, differences_alt, gaps_to_show
from recenv.report.section_fairness import exposure_alt, exposure_rows, outcome_alt, outcome_rows
from recenv.report.section_graph import graph_alt
from recenv.report.section_learning import learning_alt
from recenv.report.section_reliability import reliability_alt, reliability_rows
from recenv.report.section_sensitivity import has_sensitivity, sensitivity_alt
from recenv.report.section_sessions import session_rows, sessions_alt
from recenv.report.section_values import value_rows, values_alt
from recenv.report.section_world import card_alt
from recenv.report.sensitivity_plot import sensitivity_figure
from recenv.report.weights_plot import weights_figure

if TYPE_CHECKING:
    from recenv.ope.comparison import Comparison

NAMES = (
    "graph",
    "values",
    "sessions",
    "exposure",
    "outcome",
    "differences",
    "sensitivity",
    "reliability",
    "weights",
    "learning_curves",
    "card",
)
"""File names without the ending, in the order of the page."""
BOTH = (False, True)
"""For a page and for a telephone."""


def draw_pictures(comparison: Comparison, context: ReportContext) -> dict[str, Picture]:
    """Return name -> picture."""
    drawn = [*_results(comparison, context), *_context(context)]
    return {picture.name: picture for picture in sorted(drawn, key=lambda one: NAMES.index(one.name))}


def _results(comparison: Comparison, context: ReportContext) -> list[Picture]:
    unit = f" ({context.reward_unit})" if context.reward_unit else ""
    logged = comparison.logged.get("value", math.nan)
    what = quantity(comparison.estimand)
    gaps = gaps_to_show(comparison)
    axis, title = f"{what}{unit}", f"difference in {what}{unit}"
    drawn = [
        _forest(
            "values",
            values_alt(comparison),
            value_rows(comparison),
            axis=axis,
            reference=logged,
            reference_name="the log itself",
        ),
        _forest(
            "differences",
            differences_alt(gaps),
            difference_rows(gaps),
            axis=title,
            reference=0.0,
            reference_name="no difference",
        ),
        render(
            "weights",
            weights_alt(comparison),
            *(weights_figure(comparison.weights, comparison.policies, slim=slim) for slim in BOTH),
        ),
    ]
    if comparison.sensitivity is not None and has_sensitivity(comparison):
        table = comparison.sensitivity
        figures = (sensitivity_figure(table, unit=context.reward_unit, slim=slim) for slim in BOTH)
        drawn.append(render("sensitivity", sensitivity_alt(comparison), *figures))
    if comparison.reliability is not None:
        measured = comparison.reliability
        axis = f"root mean squared error{unit}"
        drawn.append(_forest("reliability", reliability_alt(measured), reliability_rows(measured), axis=axis))
    return drawn


def _forest(name: str, alt: str, rows: list[ForestRow], **options: Any) -> Picture:
    """Return a forest plot in both widths."""
    return render(name, alt, *(forest_figure(rows, **options, slim=slim) for slim in BOTH))


def _context(context: ReportContext) -> list[Picture]:
    drawn: list[Picture] = []
    if context.sessions:
        axis = f"mean total reward of a session{f' ({context.session_unit})' if context.session_unit else ''}"
        drawn.append(_forest("sessions", sessions_alt(context.sessions), session_rows(context.sessions), axis=axis))
    drawn += _fairness(context)
    if context.learning_curves:
        figure = learning_figure(context.learning_curves, unit=context.learning_unit)
        drawn.append(render("learning_curves", learning_alt(context), figure))
    if context.world is not None:
        drawn.append(render("graph", graph_alt(context.world.graph), graph_figure(context.world.graph)))
        if has_card_picture(context.world.card):
            drawn.append(render("card", card_alt(context.world.card), card_figure(context.world.card)))
    return drawn


def _fairness(context: ReportContext) -> list[Picture]:
    drawn: list[Picture] = []
    shares, outcomes = exposure_rows(context.fairness), outcome_rows(context.fairness)
    if shares:
        axis = "share of all exposure"
        drawn.append(_forest("exposure", exposure_alt(context.fairness), shares, axis=axis, truth_name="target"))
    if outcomes:
        axis = f"mean total reward of a session{f' ({context.session_unit})' if context.session_unit else ''}"
        drawn.append(_forest("outcome", outcome_alt(context.fairness), outcomes, axis=axis))
    return drawn
