"""Tables: a caption, headers that screen readers understand, numbers aligned, refused rows greyed out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from recenv.report.html import Safe, element, join

DENSE = 9
"""Tables of more columns are set in smaller letters."""


@dataclass(frozen=True)
class Column:
    """A column of a table."""

    title: str
    """Its header."""
    number: bool = False
    """Whether it is aligned to the right."""
    wide: bool = False
    """Whether it holds sentences."""

    @property
    def role(self) -> dict[str, str]:
        """The CSS class of its cells."""
        name = "number" if self.number else "wide" if self.wide else ""
        return {"class": name} if name else {}


@dataclass(frozen=True)
class Row:
    """A row of a table; its first cell is its header."""

    cells: Sequence[str]
    """One text or `Safe` HTML a column; a single one stands over the whole width, as a heading."""
    refused: bool = False
    """Whether its numbers must not be used."""


def table(caption: str, columns: Sequence[Column], rows: Sequence[Row]) -> Safe:
    """Return a table; on a telephone every row becomes a card, its cells labelled by their column.

    Raises
    ------
    ValueError
        If a row has another number of cells than there are columns.
    """
    head = [element("th", column.title, {"scope": "col", **column.role}) for column in columns]
    content = [
        element("caption", caption),
        element("thead", element("tr", head)),
        element("tbody", [_row(columns, row) for row in rows]),
    ]
    shape = "scroll dense" if len(columns) > DENSE else "scroll"
    attributes = {"class": shape, "role": "region", "tabindex": "0", "aria-label": caption}
    return element("div", element("table", content), attributes)


def _row(columns: Sequence[Column], row: Row) -> Safe:
    if len(row.cells) == 1:
        heading = {"scope": "rowgroup", "colspan": str(len(columns))}
        return element("tr", element("th", breakable(row.cells[0]), heading), {"class": "heading"})
    if len(row.cells) != len(columns):
        raise ValueError(f"a table of {len(columns)} columns was given a row of {len(row.cells)} cells")
    first, *others = zip(columns, row.cells, strict=True)
    cells = [element("th", breakable(first[1]), {"scope": "row", **first[0].role})]
    cells += [element("td", breakable(cell), {"data-label": column.title, **column.role}) for column, cell in others]
    return element("tr", join(cells), {"class": "refused"} if row.refused else None)


def breakable(text: str) -> Safe:
    """Return text as HTML whose lines may break after an underscore, as in a policy's name."""
    if isinstance(text, Safe):
        return text
    return Safe("_<wbr>".join(join(part) for part in text.split("_")))
