"""What `reset(options=...)` may hold."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any


def checked_options(options: Any, known: Sequence[str]) -> Mapping[str, Any]:
    """Return the options, {} for None.

    Raises
    ------
    TypeError
        If they are no mapping.
    ValueError
        If one is unknown, by its name and with those that there are.
    """
    if options is None:
        return {}
    names = " and ".join(map(repr, known))
    if not isinstance(options, Mapping):
        raise TypeError(f"options must be a dict that may hold {names}, got {options!r}")
    for name in options:
        if name not in known:
            raise ValueError(f"reset() knows no option {name!r}; it knows {names}")
    return options
