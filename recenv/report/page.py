"""The page: sections in order under one heading, complete in itself."""

from __future__ import annotations

from collections.abc import Sequence

from recenv.report.html import Safe, element, paragraph
from recenv.report.section import Section
from recenv.report.style import STYLE

POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"
"""Content security policy: whatever a name or title contains, the page loads and runs nothing."""


def page(title: str, subtitle: str, sections: Sequence[Section]) -> str:
    """Return a whole HTML document that loads nothing."""
    head = [
        element("meta", attributes={"charset": "utf-8"}),
        element("meta", attributes={"http-equiv": "Content-Security-Policy", "content": POLICY}),
        element("meta", attributes={"name": "viewport", "content": "width=device-width, initial-scale=1"}),
        element("title", title),
        element("style", Safe(STYLE)),
    ]
    links = [element("li", element("a", section.title, {"href": f"#{section.anchor}"})) for section in sections]
    header = [
        element("h1", title),
        paragraph(subtitle, role="soft"),
        element("nav", element("ul", links), {"aria-label": "Sections"}),
    ]
    body = [
        element("header", header),
        element("main", [section.html() for section in sections]),
        element("footer", "Made with recenv. The page is complete in itself: it loads nothing from a network."),
    ]
    document = element("html", [element("head", head), element("body", body)], {"lang": "en"})
    return f"<!doctype html>\n{document}\n"
