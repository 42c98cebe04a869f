"""Logs of several policies as one, each row with the policy that wrote it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from recenv.feedback.logged_feedback import LoggedFeedback

RENUMBERED = ("episode", "logger")


def joined(parts: Mapping[str, LoggedFeedback]) -> LoggedFeedback:
    """Return one log whose `logger` says which part a row is of, and `meta["loggers"]` how the parts are called.

    Episodes are numbered anew, users keep their ids: a user of two parts is one unit. `meta` keeps what all parts
    agree on.

    Raises
    ------
    ValueError
        If there are no parts, or one has columns, a catalogue or a kind of propensities that another has not.
    """
    if not parts:
        raise ValueError("parts is empty: give at least one log, as {name of the logging policy: log}")
    logs = list(parts.values())
    _check_alike(parts)
    columns: dict[str, Any] = {
        name: np.concatenate([dict(log.arrays())[name] for log in logs])
        for name, _ in logs[0].arrays()
        if name not in RENUMBERED
    }
    groups = {
        group: {name[len(group) + 1 :]: columns.pop(name) for name in list(columns) if name.startswith(f"{group}.")}
        for group in ("observation", "next_observation")
    }
    first = np.cumsum([0, *(1 + int(np.ptp(log.episode)) for log in logs[:-1])])
    shared = {key: value for key, value in logs[0].meta.items() if all(log.meta.get(key) == value for log in logs)}
    return LoggedFeedback(
        **columns,
        **groups,  # type: ignore[arg-type]
        episode=np.concatenate([log.episode - log.episode[0] + start for log, start in zip(logs, first, strict=True)]),
        logger=np.repeat(np.arange(len(logs)), [log.rows for log in logs]),
        n_items=logs[0].n_items,
        propensity_kind=logs[0].propensity_kind,
        meta={**shared, "loggers": list(parts)},
    )


def _check_alike(parts: Mapping[str, LoggedFeedback]) -> None:
    (first, log), *others = parts.items()
    for name, other in others:
        for what, own, theirs in (
            ("columns", _shapes(log), _shapes(other)),
            ("n_items", log.n_items, other.n_items),
            ("propensity_kind", log.propensity_kind, other.propensity_kind),
        ):
            if own != theirs:
                raise ValueError(
                    f"the logs {first!r} and {name!r} must have the same {what}; they have {own} and {theirs}: collect "
                    "them in the same way, or leave out what one lacks"
                )


def _shapes(log: LoggedFeedback) -> dict[str, tuple[int, ...]]:
    return {name: array.shape[1:] for name, array in log.arrays() if name not in RENUMBERED}
