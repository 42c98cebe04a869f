"""Numbers for people: rounded to what their uncertainty supports; the exact value stays in the page."""

from __future__ import annotations

import math
from collections.abc import Iterable
from datetime import datetime

from recenv.report.html import Safe, element

MINUS = "\N{MINUS SIGN}"
MISSING = "\N{EN DASH}"
MAX_DECIMALS = 6


def decimals_for(widths: Iterable[float]) -> int:
    """Return the decimals that show the median of these uncertainties with two digits; 2 where there is none."""
    usable = [width for width in widths if math.isfinite(width) and width > 0]
    if not usable:
        return 2
    middle = sorted(usable)[len(usable) // 2]
    return min(MAX_DECIMALS, max(0, 1 - math.floor(math.log10(middle))))


def rounded(value: float, decimals: int) -> str:
    """Return a number with this many decimals; a dash where there is none, "unbounded" for infinity."""
    if math.isnan(value):
        return MISSING
    if math.isinf(value):
        return f"{MINUS if value < 0 else ''}unbounded"
    text = f"{value:,.{decimals}f}"
    negative = text.startswith("-") and any(digit in "123456789" for digit in text)
    return (MINUS if negative else "") + text.lstrip("-")


def spread(low: float, high: float, decimals: int) -> str:
    """Return an interval, "unbounded" where it says nothing."""
    if math.isnan(low) or math.isnan(high):
        return MISSING
    if math.isinf(low) and math.isinf(high):
        return "unbounded"
    return f"{rounded(low, decimals)} to {rounded(high, decimals)}"


def exact(value: float, text: str) -> Safe:
    """Return the text as a `data` element that carries the full value, where there is one."""
    if not math.isfinite(value):
        return element("span", text)
    return element("data", text, {"value": repr(float(value))})


def number(value: float, decimals: int) -> Safe:
    """Return a rounded number that carries its full value."""
    return exact(value, rounded(value, decimals))


def interval(low: float, high: float, decimals: int) -> Safe:
    """Return a rounded interval that carries its full ends."""
    if not (math.isfinite(low) and math.isfinite(high)):
        return element("span", spread(low, high, decimals))
    ends = [number(low, decimals), Safe(" to "), number(high, decimals)]
    return element("span", ends)


def significant(value: float, digits: int = 3) -> str:
    """Return a number with this many significant digits, without an exponent between 0.001 and a million."""
    if not math.isfinite(value) or value == 0:
        return rounded(value, 0)
    if not 1e-3 <= abs(value) < 1e6:
        return f"{value:.{digits - 1}e}".replace("-", MINUS)
    return rounded(value, max(0, digits - 1 - math.floor(math.log10(abs(value)))))


def percent(share: float) -> str:
    """Return a share as a percentage with two digits where it is small."""
    if not math.isfinite(share):
        return MISSING
    size = abs(share) * 100
    digits = 0 if size >= 10 or size == 0 else 1 if size >= 0.1 else 3
    return f"{rounded(share * 100, digits)}%"


def when(created: str) -> str:
    """Return an ISO 8601 time to the minute, and anything else as it is."""
    try:
        time = datetime.fromisoformat(created)
    except ValueError:
        return created
    offset = f"{time:%z}".replace("+0000", "UTC")
    return f"{time:%Y-%m-%d %H:%M} {offset}".strip()


def fact(value: object) -> str:
    """Return any plain value as text; numbers with separators, whole numbers without decimals."""
    if isinstance(value, bool) or value is None:
        return {True: "yes", False: "no", None: MISSING}[value]
    if hasattr(value, "item") and getattr(value, "ndim", 0) == 0:
        return fact(value.item())
    if isinstance(value, int):
        return f"{value:,}".replace("-", MINUS)
    if isinstance(value, float):
        return _trimmed(significant(value, 4))
    if isinstance(value, list | tuple):
        return ", ".join(fact(part) for part in value)
    if isinstance(value, dict):
        return ", ".join(f"{name}: {fact(part)}" for name, part in value.items()) or MISSING
    return str(value)


def _trimmed(text: str) -> str:
    """Return a number's text without the zeros that end it."""
    return text.rstrip("0").rstrip(".") if "." in text and "e" not in text else text
