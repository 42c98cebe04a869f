"""A part of the page."""

from __future__ import annotations

from typing import NamedTuple

from recenv.report.html import Content, Safe, element, join


class Section(NamedTuple):
    """A heading and what stands under it."""

    anchor: str
    """Its id, for links within the page."""
    title: str
    content: Content

    def html(self) -> Safe:
        """Return the section."""
        heading = element("h2", self.title, {"id": f"{self.anchor}-title"})
        attributes = {"id": self.anchor, "aria-labelledby": f"{self.anchor}-title"}
        return element("section", [heading, join(self.content)], attributes)
