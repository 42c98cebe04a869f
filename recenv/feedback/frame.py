"""A log from a table of anyone's making: which columns are needed, and what the others default to."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from recenv.feedback.copies import copied_rows
from recenv.feedback.labels import numbered
from recenv.feedback.logged_feedback import COLUMNS, OPTIONAL, LoggedFeedback, PropensityKind
from recenv.feedback.validation import number_column

if TYPE_CHECKING:
    import pandas as pd

REQUIRED = ("item", "reward")
GROUPS = ("observation", "next_observation")
CONTINUOUS = ("action", "density")
"""Together they say that actions are numbers; `item` may then be left out."""
EMPTY = "the log is empty: it needs at least one row with item, reward and propensity"


def from_frame(
    frame: pd.DataFrame,
    *,
    columns: Mapping[str, str] | None = None,
    observation: Sequence[str] = (),
    n_items: int | None = None,
    meta: Mapping[str, Any] | None = None,
) -> LoggedFeedback:
    """Return the log in `frame`.

    Needed are `item` and `reward`, and `propensity` unless a model is to estimate it. Without `episode` every row
    is an episode of its own; without `step` rows are numbered within their episode in the order given; without
    `user` an episode is a user; without `truncated` the record stops at the last row of an episode. Text in
    `episode`, `user` or `logger` is numbered in its natural order; the names of loggers go to `meta["loggers"]`.
    Columns `observation.NAME` hold one list a row. Where actions are numbers, `action` and `density` stand in place of
    `item` and `propensity`. Other columns are not read.

    Parameters
    ----------
    columns : mapping, optional
        Our name -> the name in `frame`, where they differ.
    observation : sequence of str
        Numeric columns that together are the flat observation "features".
    n_items : int, optional
        Size of the catalogue; the largest id plus one when not given.
    meta : mapping, optional
        Where the log comes from; `repeat` False says that no item is shown twice in an episode.

    Raises
    ------
    ValueError
        If a column is missing or a row is not usable.
    """
    table: dict[str, Any] = {str(name): frame[name].to_numpy() for name in frame.columns}
    named = rename(table, columns)
    meta = {**copied_rows(frame, set(named)), **(meta or {})}
    for name in ("episode", "user"):
        if name in named:
            named[name] = numbered(name, named[name])[0]
    if "logger" in named:
        named["logger"], loggers = numbered("logger", named["logger"])
        meta = {**({"loggers": loggers} if loggers else {}), **(meta or {})}
    if observation:
        named["observation.features"] = _stack(named, observation)
    for name, values in named.items():
        if name.split(".")[0] in (*GROUPS, "candidates"):
            named[name] = list_column(name, values)
    return from_columns(named, n_items=n_items, meta=meta)


def rename(table: Mapping[str, Any], columns: Mapping[str, str] | None) -> dict[str, Any]:
    """Return the columns under our names; `columns` maps our name to theirs."""
    unknown = set(columns or ()) - {*COLUMNS, *OPTIONAL}
    if unknown:
        raise ValueError(f"columns names {sorted(unknown)}, which a log does not have; it has {', '.join(COLUMNS)}")
    result = dict(table)
    for ours, theirs in (columns or {}).items():
        if theirs not in table:
            raise ValueError(f"columns says {ours} is {theirs!r}, but there is no such column; {_there(table)}")
        result[ours] = table[theirs]
    return result


def _there(table: Mapping[str, Any]) -> str:
    return f"there are: {', '.join(sorted(table)) or 'none'}"


def _stack(table: Mapping[str, Any], names: Sequence[str]) -> NDArray[np.float32]:
    absent = [name for name in names if name not in table]
    if absent:
        raise ValueError(f"observation names {absent[0]!r}, but there is no such column; {_there(table)}")
    return np.stack([number_column(name, table[name], np.float64) for name in names], axis=1).astype(np.float32)


def list_column(name: str, values: Any) -> NDArray[Any]:
    """Return a column of equally long lists as one (n, ...) array."""
    array = np.asarray(values)
    if array.dtype != object:
        return array if array.ndim > 1 else array[:, None]
    rows = [np.asarray(value) for value in array]
    for row, value in enumerate(rows):
        if value.shape != rows[0].shape:
            raise ValueError(
                f"{name} must have equally long lists; row {row} has shape {value.shape}, row 0 has {rows[0].shape}: "
                "pad them"
            )
    return np.stack(rows) if rows else np.zeros((0, 0))


def from_columns(
    table: Mapping[str, Any],
    *,
    n_items: int | None = None,
    meta: Mapping[str, Any] | None = None,
    propensity_kind: PropensityKind | None = None,
    first_row: int = 0,
) -> LoggedFeedback:
    """Return the log in these columns, with defaults for the ones that are not there (see `from_frame`)."""
    if set(CONTINUOUS) <= set(table):
        table = {"item": np.zeros(len(table["action"]), dtype=np.int64), **table}
    _require(table)
    n = len(table["item"])
    if not n:
        raise ValueError(EMPTY)
    given: dict[str, Any] = {name: table[name] for name in (*COLUMNS, *OPTIONAL) if name in table}
    if "density" not in given:  # an action without one is somebody's word for something else
        given.pop("action", None)
    for group in GROUPS:
        start = f"{group}."
        given[group] = {name[len(start) :]: values for name, values in table.items() if name.startswith(start)}
    given["episode"] = number_column("episode", given.get("episode", first_row + np.arange(n)), np.int64)
    _fill(given, n)
    kind = propensity_kind or "logged"
    return LoggedFeedback(**given, n_items=-1 if n_items is None else n_items, meta=meta or {}, propensity_kind=kind)


def _require(table: Mapping[str, Any]) -> None:
    for name in REQUIRED:
        if name not in table:
            near = difflib.get_close_matches(name, list(table), n=2, cutoff=0.4)
            hint = near[0] if near else "your_column"
            raise ValueError(f'column {name!r} is missing; {_there(table)}: pass columns={{"{name}": "{hint}"}}')


def _fill(given: dict[str, Any], n: int) -> None:
    given.setdefault("step", _count_within(given["episode"], given.get("position")))
    given.setdefault("position", np.zeros(n, dtype=np.int64))
    given.setdefault("user", given["episode"])
    given.setdefault("propensity", np.full(n, np.nan))
    given.setdefault("terminated", np.zeros(n, dtype=bool))
    if "truncated" not in given:
        given["truncated"] = _last_of(given["episode"], given["step"]) & ~np.asarray(given["terminated"], dtype=bool)


def _count_within(episode: NDArray[np.int64], position: Any) -> NDArray[np.int64]:
    """Return each row's place within its episode, in the order given.

    With positions this would tear slates apart, so then every episode is one step: its number is 0.
    """
    if position is not None:
        return np.zeros(len(episode), dtype=np.int64)
    order = np.argsort(episode, kind="stable")
    ordered = episode[order]
    count = np.empty(len(episode), dtype=np.int64)
    count[order] = np.arange(len(episode)) - np.searchsorted(ordered, ordered)
    return count


def _last_of(episode: NDArray[np.int64], step: Any) -> NDArray[np.bool_]:
    steps = number_column("step", step, np.int64)
    order = np.lexsort((steps, episode))
    ends = np.append(np.diff(episode[order]) != 0, True)
    last = np.zeros(len(episode), dtype=bool)
    last[order[ends]] = True
    return last
