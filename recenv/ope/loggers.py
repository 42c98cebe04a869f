"""The policies that wrote a log, at hand: they say what the log itself does not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recenv.protocol import Policy

TOLERANCE = 1e-3
"""How far a logged propensity may be from the logger's own, relatively: float32 stays far below it."""


def in_order(loggers: Any, meta: Mapping[str, Any]) -> tuple[Policy, ...]:
    """Return the logging policies in the order of the log's `logger` numbers.

    Parameters
    ----------
    loggers
        None, one policy, several in order, or name -> policy; names are those of `meta["loggers"]` where it has them.

    Raises
    ------
    ValueError
        If the names are not those of the log.
    TypeError
        If one is no policy.
    """
    if loggers is None:
        return ()
    named = _named(loggers)
    for name, policy in named.items():
        if not callable(getattr(policy, "probabilities", None)):
            raise TypeError(f"logger {name!r} ({type(policy).__name__}) has no probabilities(request) -> (B, C)")
    known = meta.get("loggers")
    if known is None or not isinstance(loggers, Mapping):
        return tuple(named.values())
    if set(known) != set(named):
        raise ValueError(f"loggers names {sorted(named)}; the log was written by {list(known)}: give each of these")
    return tuple(named[name] for name in known)


def _named(loggers: Any) -> dict[Any, Any]:
    if isinstance(loggers, Mapping):
        return dict(loggers)
    if isinstance(loggers, Sequence) and not isinstance(loggers, str):
        return dict(enumerate(loggers))
    return {0: loggers}


def codes_of(logger: NDArray[np.int64] | None, rows: int, count: int, first_row: int = 0) -> NDArray[np.int64]:
    """Return which of `count` loggers wrote each row (n,); one logger needs no column.

    Raises
    ------
    ValueError
        If the log does not say, or names a logger that is not there.
    """
    if logger is None:
        if count == 1:
            return np.zeros(rows, dtype=np.int64)
        raise ValueError(
            f"there are {count} loggers, and the log has no column `logger`: log which of them wrote each row, or join "
            "their logs by LoggedFeedback.joined({name: log})"
        )
    outside = logger >= count
    if outside.any():
        row = int(np.argmax(outside))
        raise ValueError(
            f"row {first_row + row} was written by logger {logger[row]}, and there are {count}: pass every logging "
            "policy in loggers="
        )
    return logger


def check_wrote(said: NDArray[np.float64], logged: NDArray[np.float64], first_row: int = 0) -> None:
    """Refuse loggers whose probabilities (n,) of what was shown are not the logged ones (n,).

    Raises
    ------
    ValueError
        With the row, both numbers and the remedy.
    """
    off = np.abs(said - logged) > TOLERANCE * logged
    if off.any():
        row = int(np.argmax(off))
        raise ValueError(
            f"loggers= gives what row {first_row + row} shows probability {said[row]:.4g}, the log says "
            f"{logged[row]:.4g}: pass the policy that wrote the log, as it was then"
        )
