"""Options of an agent as a frozen record; a misspelt one is refused with the nearest name."""

from __future__ import annotations

import dataclasses
import difflib
from typing import Any, TypeVar

Record = TypeVar("Record")


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
    """
    known = [*beside, *(item.name for item in dataclasses.fields(kind))]  # type: ignore[arg-type]
    for name in options:
        if name not in known:
            near = difflib.get_close_matches(name, known, 1)
            hint = f"; did you mean {near[0]!r}?" if near else ""
            raise TypeError(f"agent {agent!r} takes no option {name!r}{hint} It takes {', '.join(known)}")
    return kind(**options)
