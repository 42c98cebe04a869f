"""Pictures: drawn with one style, written as SVG for the page and as PNG beside it, the same bytes every time."""

from __future__ import annotations

import base64
import io
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from recenv.report.html import Safe, element

if TYPE_CHECKING:
    from matplotlib.figure import Figure

INK, GREY, PALE, GRID = "#1b1f24", "#6b7280", "#b4bac4", "#e3e6ea"
BLUE, ORANGE, GREEN, PURPLE, SKY, VERMILION = "#0072b2", "#b86e00", "#00795a", "#a3497d", "#56b4e9", "#c44e00"
SERIES = (BLUE, VERMILION, GREEN, PURPLE, ORANGE, SKY, INK)
"""Colours that colour-blind readers tell apart (after Okabe and Ito 2008), darkened for contrast on white."""
DOTS_PER_INCH = 160
PAGE_DOTS_PER_INCH = 86
"""CSS pixels an inch of the drawing: letters of 9.5 points come out a little smaller than the text."""
SMALLEST = 620
"""Width in CSS pixels below which a picture scrolls."""

_STYLE: dict[str, Any] = {
    "figure.facecolor": "white",
    "font.family": ["sans-serif"],
    "font.sans-serif": ["DejaVu Sans"],
    "font.size": 9.5,
    "text.color": INK,
    "text.parse_math": False,  # a dollar sign in a policy's name is a dollar sign
    "axes.edgecolor": PALE,
    "axes.labelcolor": INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": False,
    "axes.axisbelow": True,
    "axes.unicode_minus": True,
    "grid.color": GRID,
    "xtick.color": GREY,
    "ytick.color": GREY,
    "legend.frameon": False,
    "svg.fonttype": "path",
}


@dataclass(frozen=True)
class Picture:
    """A drawn picture."""

    name: str
    """Its file name without the ending."""
    alt: str
    """What it shows, for those who cannot see it."""
    width: int
    """Of the picture on the page, in CSS pixels where there is room."""
    svg: bytes
    png: bytes

    def html(self, caption: str) -> Safe:
        """Return it as a figure of the page; on a narrow screen it scrolls sideways rather than shrink to nothing."""
        source = "data:image/svg+xml;base64," + base64.b64encode(self.svg).decode("ascii")
        style = f"width:{self.width}px;min-width:min({self.width}px, {SMALLEST}px)"
        image = element("img", attributes={"src": source, "alt": self.alt, "style": style})
        attributes = {"class": "scroll", "role": "region", "tabindex": "0", "aria-label": caption}
        return element("figure", [element("div", image, attributes), element("figcaption", caption)])


@contextmanager
def drawing(salt: str = "recenv") -> Iterator[None]:
    """Draw in the report's own style, whatever the user's settings, and put those back."""
    import matplotlib
    from matplotlib import style

    with warnings.catch_warnings(), style.context(["default", _STYLE]), matplotlib.rc_context({"svg.hashsalt": salt}):
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        yield


def render(name: str, alt: str, figure: Figure) -> Picture:
    """Return the figure as a picture, without dates or other traces of when it was made."""
    with drawing(name):
        width = round(figure.get_figwidth() * PAGE_DOTS_PER_INCH)
        return Picture(name, alt, width, _bytes(figure, "svg"), _bytes(figure, "png"))


def shorten(text: str, length: int) -> str:
    """Return text on one line of at most this many characters."""
    line = " ".join(text.split())
    return line if len(line) <= length else line[: length - 1] + "\N{HORIZONTAL ELLIPSIS}"


def _bytes(figure: Figure, kind: str) -> bytes:
    # Without a value the writers would put in a date and their own name.
    traces = {"svg": ("Date", "Creator", "Format", "Type"), "png": ("Software",)}[kind]
    stream = io.BytesIO()
    figure.savefig(stream, format=kind, dpi=DOTS_PER_INCH, metadata=dict.fromkeys(traces))
    return stream.getvalue()
