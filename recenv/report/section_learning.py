"""Learning curves: what the agents earned while they learned."""

from __future__ import annotations

import numpy as np

from recenv.report.context import ReportContext
from recenv.report.html import paragraph
from recenv.report.picture import Picture
from recenv.report.section import Section


def learning_alt(context: ReportContext) -> str:
    """Return the curves in words: where each ends."""
    ends = [
        f"{name} ends at {np.atleast_1d(np.asarray(curve[1], dtype=float))[-1]:.4g}"
        for name, curve in context.learning_curves.items()
    ]
    return f"Learning curves: {', '.join(ends)}."


def learning_section(context: ReportContext, picture: Picture) -> Section:
    """Return the learning curves."""
    unit = f" ({context.learning_unit})" if context.learning_unit else ""
    bands = any(len(curve) == 4 for curve in context.learning_curves.values())
    words = " The band is the range given with the curve, such as an interval over seeds." if bands else ""
    return Section(
        "learning",
        "How the agents learned",
        [
            paragraph(f"What each agent earned while it trained in the simulated world{unit}.{words}"),
            picture.html(f"Learning curves{unit}."),
        ],
    )
