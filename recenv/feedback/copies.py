"""Rows of a table that are there twice: what a join, or an export that ran again, leaves behind."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import pandas as pd

KEY = "copied_rows"
"""Name in a log's `meta`."""
PLAIN = {"item", "reward", "propensity"}
"""Rows that have only these are alike by nature."""


def copied_rows(frame: pd.DataFrame, named: set[str]) -> dict[str, dict[str, int]]:
    """Return `{"copied_rows": {"rows", "first", "of"}}`, to go into a log's `meta`; empty where there is none.

    Where sessions have numbers, a row that is there twice is refused. Without them it may be a decision that was made
    twice, so it is told, not refused.

    Parameters
    ----------
    frame
        The table with all its columns, those that are not read too.
    named
        Names of the columns as a log calls them.
    """
    if "episode" in named or named <= PLAIN:
        return {}
    plain = frame.apply(lambda column: column.map(_hashable) if column.dtype == object else column)
    copies = np.flatnonzero(plain.duplicated().to_numpy())
    if not len(copies):
        return {}
    first = int(copies[0])
    same = plain.iloc[:first].eq(plain.iloc[first]) | (plain.iloc[:first].isna() & plain.iloc[first].isna())
    return {KEY: {"rows": len(copies), "first": first, "of": int(np.argmax(same.all(axis=1).to_numpy()))}}


def _hashable(value: Any) -> Any:
    return tuple(np.asarray(value).ravel().tolist()) if isinstance(value, list | tuple | np.ndarray) else value
