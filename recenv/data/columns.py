"""Which column of a table is the user, the item, the rating and the timestamp."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping, Sequence

ROLES = ("user", "item", "rating", "timestamp")
REQUIRED = ("user", "item", "rating")
ALIASES: dict[str, tuple[str, ...]] = {
    "user": ("user", "userid", "uid", "users", "customerid", "customer", "reviewerid", "visitorid", "memberid"),
    "item": (
        *("item", "itemid", "iid", "items", "movieid", "movie", "productid", "product", "bookid", "articleid"),
        *("newsid", "songid", "trackid", "artistid", "businessid", "asin", "jokeid"),
    ),
    "rating": ("rating", "ratings", "score", "stars", "overall"),
    "timestamp": ("timestamp", "time", "ts", "datetime", "unixreviewtime", "date"),
    "title": ("title", "movietitle", "itemname", "name", "producttitle"),
    "genres": ("genres", "genre", "class", "categories", "category"),
}
"""Spellings of each role, the preferred first; compared without case, spaces, dashes and underscores."""

_TYPED = re.compile(r":(token|token_seq|float|float_seq)$")


def plain_name(column: str) -> str:
    """Return a column's name without the type of a typed header: `user_id:token` is `user_id`."""
    return _TYPED.sub("", str(column))


def column_type(column: str) -> str | None:
    """Return the type that a typed header declares (`token`, `token_seq`, `float`, `float_seq`), else None."""
    found = _TYPED.search(str(column))
    return found.group(1) if found else None


def find_column(names: Iterable[str], role: str) -> str | None:
    """Return the column that plays `role` by its usual spellings, or None.

    Raises
    ------
    ValueError
        If several columns could be the user, the item or the rating and none is spelt as the role itself.
    """
    spelt = {name: re.sub(r"[^a-z0-9]", "", plain_name(name).lower()) for name in names}
    found = sorted((ALIASES[role].index(s), name) for name, s in spelt.items() if s in ALIASES[role])
    if not found:
        return None
    first_rank, first = found[0]
    if len(found) > 1 and role in REQUIRED and (first_rank > 0 or found[1][0] == 0):
        choices = ", ".join(repr(name) for _, name in found)
        raise ValueError(
            f'columns {choices} could each be the {role}: say which, columns={{"{role}": "{first}"}} '
            f"(command line: --column {role}={first})"
        )
    return first


def resolve_columns(
    names: Sequence[str],
    columns: Mapping[str, str | None] | None = None,
    *,
    source: str = "the table",
) -> dict[str, str]:
    """Return `{role: column name}` for the user, the item, the rating and, where there is one, the timestamp.

    Parameters
    ----------
    names
        The columns of the table.
    columns
        What the caller says, by role; it overrides the usual spellings. `{"timestamp": None}` means "no timestamps".
    source
        The table's name, for error messages.

    Raises
    ------
    ValueError
        If a required column is missing, named twice or ambiguous; the message lists the columns there are.
    """
    given = dict(columns or {})
    _check_roles(given)
    resolved: dict[str, str] = {}
    for role in ROLES:
        name = _given_column(names, role, given[role], source) if role in given else find_column(names, role)
        if name is not None:
            resolved[role] = name
        elif role in REQUIRED:
            raise ValueError(_missing(names, role, source))
    _check_distinct(names, resolved, source)
    return resolved


def nearest(word: str, words: Iterable[str]) -> str:
    """Return `; nearest: 'a', 'b'` for the words that resemble `word`, or nothing."""
    lowered = {str(w).lower(): str(w) for w in words}
    close = difflib.get_close_matches(str(word).lower(), list(lowered), n=3, cutoff=0.6)
    return "; nearest: " + ", ".join(repr(lowered[c]) for c in close) if close else ""


def _check_roles(given: Mapping[str, str | None]) -> None:
    unknown = [key for key in given if key not in ROLES]
    if unknown:
        raise ValueError(f"columns has the key {unknown[0]!r}; the keys are {', '.join(ROLES)}")


def _given_column(names: Sequence[str], role: str, name: str | None, source: str) -> str | None:
    if name is None:
        return None
    matches = [n for n in names if n == name] or [n for n in names if plain_name(n) == name]
    if not matches:
        hint = nearest(name, names)
        raise ValueError(f"columns says the {role} is {name!r}, but {source} has {_listed(names)}{hint}")
    return matches[0]


def _missing(names: Sequence[str], role: str, source: str) -> str:
    hint = nearest(role, names) or nearest(f"{role}_id", names)
    remedy = f'say which, columns={{"{role}": "..."}} (command line: --column {role}=...)'
    return f"{source} has no {role} column; it has {_listed(names)}{hint}: {remedy}"


def _check_distinct(names: Sequence[str], resolved: Mapping[str, str], source: str) -> None:
    taken: dict[str, str] = {}
    for role, name in resolved.items():
        if list(names).count(name) > 1:
            raise ValueError(f"{source} has {list(names).count(name)} columns named {name!r}: rename or drop one")
        if name in taken:
            raise ValueError(f"column {name!r} of {source} cannot be both the {taken[name]} and the {role}")
        taken[name] = role


def _listed(names: Sequence[str]) -> str:
    if not names:
        return "no columns"
    shown = ", ".join(repr(str(name)) for name in list(names)[:20])
    return f"only {shown}" if len(names) <= 20 else f"{shown} and {len(names) - 20} more"
