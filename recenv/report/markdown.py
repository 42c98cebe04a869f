"""The page as Markdown: the same sections in the same order, for a pull request, a wiki or a mail."""

from __future__ import annotations

import re
from collections.abc import Sequence
from html.parser import HTMLParser

from recenv.report.section import Section

OPENS = {"h1": "# ", "h2": "## ", "h3": "### ", "li": "- ", "summary": "**", "strong": "**", "code": "`"}
CLOSES = {"summary": "**\n\n", "code": "`", "li": "\n", "dd": "\n"}
BLOCKS = frozenset({"h1", "h2", "h3", "p", "ul", "dl", "figcaption", "caption", "pre", "table"})
"""Elements with an empty line after them."""


def markdown(title: str, subtitle: str, sections: Sequence[Section]) -> str:
    """Return the page as Markdown; pictures are the PNG files beside it, tables those of GitHub."""
    reader = _Reader()
    for section in sections:
        reader.feed(section.html())
    reader.close()
    text = f"# {_escaped(title)}\n\n{_escaped(subtitle)}\n\n{reader.text()}"
    return re.sub(r"\n{3,}", "\n\n", text).rstrip() + "\n"


class _Reader(HTMLParser):
    """Turns the elements that sections are made of into Markdown."""

    def __init__(self) -> None:
        super().__init__()
        self._parts: list[str] = []
        self._rows: list[list[str]] = []
        self._cell: list[str] | None = None
        self._verbatim = False

    def text(self) -> str:
        """Return what was read so far."""
        return "".join(self._parts)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Open an element."""
        if tag == "img":
            found = dict(attrs)
            if "data-file" in found:  # the other versions are for dark and for narrow screens
                self._write(f"![{_escaped(found.get('alt') or '')}]({found['data-file']})\n\n")
        elif tag == "pre":
            self._verbatim = True
            self._write("```\n")
        elif tag == "tr":
            self._rows.append([])
        elif tag in ("td", "th"):
            self._cell = []
        elif tag == "dt":
            self._write("- **")
        elif not (tag == "code" and self._verbatim):
            self._write(OPENS.get(tag, ""))

    def handle_endtag(self, tag: str) -> None:
        """Close an element."""
        if tag in ("td", "th"):
            self._rows[-1].append("".join(self._cell or ()).strip())
            self._cell = None
        elif tag == "table":
            self._write(_grid(self._rows))
            self._rows = []
        elif tag == "pre":
            self._verbatim = False
            self._write("\n```")
        elif tag == "dt":
            self._write("**: ")
        elif tag == "strong":  # Markdown has no emphasis that ends in a space
            parts = self._parts if self._cell is None else self._cell
            text = parts[-1]
            parts[-1] = f"{text.rstrip()}**{text[len(text.rstrip()) :]}"
        elif not (tag == "code" and self._verbatim):
            self._write(CLOSES.get(tag, ""))
        if tag in BLOCKS:
            self._write("\n\n")

    def handle_data(self, data: str) -> None:
        """Take text."""
        self._write(data if self._verbatim else _escaped(data))

    def _write(self, text: str) -> None:
        if self._cell is not None:
            self._cell.append(text.replace("|", "\\|").replace("\n", " "))
        else:
            self._parts.append(text)


def _grid(rows: Sequence[Sequence[str]]) -> str:
    """Return a table; a row of one cell, which stands over the whole width, becomes bold."""
    width = max(len(row) for row in rows)
    full = [row if len(row) == width else [f"**{row[0]}**", *[""] * (width - 1)] for row in rows]
    lines = ["| " + " | ".join(row) + " |" for row in full]
    lines.insert(1, "|" + " --- |" * width)
    return "\n".join(lines)


def _escaped(text: str) -> str:
    """Return text whose signs mean themselves, so that no name can make a link, a picture or HTML."""
    return re.sub(r"([\\`*_\[\]<>])", r"\\\1", text)
