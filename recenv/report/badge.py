"""How a verdict looks in a table: a word and a sign, so that it doesn't hang on colour."""

from __future__ import annotations

from recenv.report.html import Safe, element

_LOOKS = {"ok": ("ok", "\N{CHECK MARK}"), "caution": ("caution", "!")}


def badge(verdict: str) -> Safe:
    """Return a verdict as a label; one that is neither ok nor caution looks refused."""
    role, sign = _LOOKS.get(verdict, ("refusal", "\N{MULTIPLICATION SIGN}"))
    return element("span", f"{sign} {verdict}", {"class": f"badge {role}"})
