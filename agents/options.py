"""Options of an agent as a frozen record; a misspelt one is refused with the nearest name."""

from __future__ import annotations

import dataclasses
import difflib
import numbers
from collections.abc import Sequence
from typing import Any, TypeVar

Record = TypeVar("Record")
KINDS = {
    "int": (numbers.Integral, "a whole number"),
    "float": (numbers.Real, "a number"),
    "str": (str, "text"),
    "bool": (bool, "True or False"),
}
"""Annotation of a field -> what its values are instances of, in words."""


def options_record(kind: type[Record], options: dict[str, Any], agent: str, *, beside: tuple[str, ...] = ()) -> Record:
    """Return `kind(**options)`.

    Parameters
    ----------
    kind
        A dataclass of options.
    options
        Its fields by name.
    agent
        Named in the error.
    beside
        Options that the agent takes beside the fields of `kind`; only named in the error.

    Raises
    ------
    TypeError
        If an option is unknown, with the nearest name.
    ValueError
        If an option is of another type than its field.
    """
    fields = dataclasses.fields(kind)  # type: ignore[arg-type]
    known = [*beside, *(item.name for item in fields)]
    for name in options:
        if name not in known:
            hint = did_you_mean(name, known)
            takes = " It takes" if hint else "; it takes"
            raise TypeError(f"agent {agent!r} takes no option {name!r}{hint}{takes} {', '.join(known)}")
    for item in fields:
        if item.name in options:
            check_type(agent, item.name, item.type, options[item.name])
    return kind(**options)


def check_type(agent: str, name: str, annotation: Any, value: Any) -> None:
    """Refuse a value that is not of a plain type, "int", "float", "str" or "bool"; other annotations take anything.

    Raises
    ------
    ValueError
        With option, agent and value.
    """
    kind, words = KINDS.get(getattr(annotation, "__name__", annotation), (object, ""))
    # Python counts True among the whole numbers.
    if not isinstance(value, kind) or (isinstance(value, bool) and kind in (numbers.Integral, numbers.Real)):
        raise ValueError(f"option {name} of agent {agent!r} must be {words}, got {value!r}")


def did_you_mean(name: str, known: Sequence[str]) -> str:
    """Return "; did you mean 'x'?" with the known name that is nearest whatever its case, or nothing."""
    by_lower = {one.lower(): one for one in known}
    near = difflib.get_close_matches(name.lower(), by_lower, 1)
    return f"; did you mean {by_lower[near[0]]!r}?" if near else ""
