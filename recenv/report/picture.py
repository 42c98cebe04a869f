"""Pictures: drawn with one style, written as SVG for the page and as PNG beside it, the same bytes every time."""

from __future__ import annotations

import base64
import io
import re
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

SLIM = 4.3
"""Inches of a drawing for a telephone: 370 CSS pixels."""
BOTH = (False, True)
ON_DARK = {
    b"#ffffff": "#14171b",
    b"#f4f5f7": "#22272e",
    b"#e3e6ea": "#2c3239",
    b"#b4bac4": "#5d6673",
    b"#6b7280": "#a3abb8",
    b"#1b1f24": "#e8eaed",
    b"#9aa1ad": "#7d8694",
    b"#fafbfc": "#191d22",
    b"#dcecf8": "#1d3a52",
    b"#fde3c8": "#5a3a17",
    b"#dff1e7": "#1c4332",
    b"#0072b2": "#5eb3e8",
    b"#b86e00": "#f0a53c",
    b"#00795a": "#3cbf97",
    b"#a3497d": "#dc8dba",
    b"#c44e00": "#ff9a57",
}
"""What a colour becomes on a dark page."""
_HEX = re.compile(rb"#[0-9a-fA-F]{6}\b")

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
    slim: bytes | None = None
    """The SVG for a telephone, in one column, where there is one."""

    def html(self, caption: str) -> Safe:
        """Return it as a figure of the page: every version is there, and the style sheet shows the one that fits.

        (Not `picture` with `source`: browsers choose there by the screen even when they print.) On a narrow screen a
        picture without a slim version scrolls sideways rather than shrink to nothing.
        """
        least = f"min({self.width}px, {SMALLEST}px)"
        full = {"class": "wide" if self.slim else "any", "style": f"width:{self.width}px;min-width:{least}"}
        versions = [(self.svg, full)] + ([(self.slim, {"class": "slim"})] if self.slim else [])
        images = [element("img", attributes=self._version(*version, dark)) for version in versions for dark in BOTH]
        images[0] = element("img", attributes=self._version(*versions[0], False) | {"data-file": f"{self.name}.png"})
        region = {"class": "scroll", "role": "region", "tabindex": "0", "aria-label": caption}
        return element("figure", [element("div", images, region), element("figcaption", caption)])

    def _version(self, svg: bytes, look: dict[str, str], dark: bool) -> dict[str, str]:
        source = base64.b64encode(darkened(svg) if dark else svg).decode("ascii")
        role = f"{look['class']} {'night' if dark else 'day'}"
        return {"src": f"data:image/svg+xml;base64,{source}", "alt": self.alt, **look, "class": role}


@contextmanager
def drawing(salt: str = "recenv") -> Iterator[None]:
    """Draw in the report's own style, whatever the user's settings, and put those back."""
    import matplotlib
    from matplotlib import style

    with warnings.catch_warnings(), style.context(["default", _STYLE]), matplotlib.rc_context({"svg.hashsalt": salt}):
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        yield


def render(name: str, alt: str, figure: Figure, slim: Figure | None = None) -> Picture:
    """Return the figure as a picture, without dates or other traces of when it was made.

    Parameters
    ----------
    slim
        The same drawn for a telephone.
    """
    with drawing(name):
        width = round(figure.get_figwidth() * PAGE_DOTS_PER_INCH)
        narrow = None if slim is None else _bytes(slim, "svg")
        return Picture(name, alt, width, _bytes(figure, "svg"), _bytes(figure, "png"), narrow)


def darkened(svg: bytes) -> bytes:
    """Return a drawing in these colours for a dark page."""
    return _HEX.sub(lambda found: ON_DARK.get(found[0].lower(), found[0].decode()).encode(), svg)


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
