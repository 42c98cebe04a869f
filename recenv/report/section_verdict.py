"""The verdict in up to five lines."""

from __future__ import annotations

from collections.abc import Sequence

from recenv.report.html import element, paragraph
from recenv.report.section import Section


def verdict_section(lines: Sequence[str]) -> Section:
    """Return the verdict, the first line largest."""
    box = element("div", [paragraph(line) for line in lines], {"class": "verdict"})
    return Section("verdict", "The verdict", box)
