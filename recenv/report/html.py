"""HTML from text that may contain anything: what is not known to be safe is escaped."""

from __future__ import annotations

import html
from collections.abc import Iterable, Mapping, Sequence

VOID = ("meta", "img", "br", "hr")


class Safe(str):
    """HTML that this package made, so it is not escaped again."""

    __slots__ = ()


Content = str | Sequence[str]


def join(content: Content) -> Safe:
    """Return the content as HTML, one piece after another; text that is not `Safe` is escaped."""
    pieces: Iterable[str] = (content,) if isinstance(content, str) else content
    return Safe("".join(piece if isinstance(piece, Safe) else html.escape(piece) for piece in pieces))


def element(tag: str, content: Content = "", attributes: Mapping[str, str] | None = None) -> Safe:
    """Return `<tag attributes>content</tag>`, with content and attributes escaped."""
    opening = "".join(f' {name}="{html.escape(value)}"' for name, value in (attributes or {}).items())
    if tag in VOID:
        return Safe(f"<{tag}{opening}>")
    return Safe(f"<{tag}{opening}>{join(content)}</{tag}>")


def paragraph(*content: str, role: str = "") -> Safe:
    """Return a paragraph; `role` is its CSS class."""
    return element("p", content, {"class": role} if role else None)


def bullets(lines: Iterable[Content]) -> Safe:
    """Return an unordered list."""
    return element("ul", [element("li", line) for line in lines])


def definitions(facts: Mapping[str, str]) -> Safe:
    """Return a list of terms and what they are."""
    pairs = [element("div", [element("dt", name), element("dd", value)]) for name, value in facts.items()]
    return element("dl", pairs, {"class": "facts"})


def details(summary: str, content: Content) -> Safe:
    """Return content that is folded away until the reader asks for it."""
    return element("details", [element("summary", summary), join(content)])
