"""Tables of items and users, aligned to the codes of a log."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from recenv.data.columns import column_type, find_column, nearest, plain_name
from recenv.data.ids import encode
from recenv.data.tables import open_table

if TYPE_CHECKING:
    import pandas as pd

NO_GENRE = ("", "(no genres listed)", "nan")
"""Spellings of "no genre"."""


def item_table(source: pd.DataFrame | str | Path | None, ids: NDArray[np.str_], key: str) -> dict[str, Any]:
    """Return `titles`, `genres` and `item_features` by item code, out of a table with one row an item.

    Parameters
    ----------
    source
        A DataFrame or file with an item column; None gives a log without titles.
    ids
        (N,) item ids of the log.
    key
        The item column of the ratings; the table may use the same name or any usual one.
    """
    if source is None:
        return {}
    frame = aligned(source, ids, "item", key)
    title, genre = find_column(frame.columns, "title"), find_column(frame.columns, "genres")
    found: dict[str, Any] = {}
    if title is not None:
        texts = frame[title].astype(object).where(frame[title].notna(), ids.astype(object))
        found["titles"] = tuple(str(text) for text in texts)
    if genre is not None:
        found["genres"] = split_genres(frame[genre], spaces=column_type(genre) == "token_seq")
    found["item_features"] = tidy_features(frame.drop(columns=[c for c in (title, genre) if c is not None]))
    return found


def user_table(source: pd.DataFrame | str | Path | None, ids: NDArray[np.str_], key: str) -> pd.DataFrame | None:
    """Return the user features by user code, out of a table with one row a user."""
    return None if source is None else tidy_features(aligned(source, ids, "user", key))


def aligned(source: pd.DataFrame | str | Path, ids: NDArray[np.str_], role: str, key: str) -> pd.DataFrame:
    """Return the rows of a table in the order of `ids`, without its id column; missing rows are empty.

    Raises
    ------
    ValueError
        If the table has no id column, holds an id twice, or none of the log's ids.
    """
    import pandas as pd

    table = open_table(source)
    column = key if key in table.columns else find_column(table.columns, role)
    if column is None:
        raise ValueError(
            f"the {role} table ({table.name}) has no {role} column, only {table.columns}{nearest(key, table.columns)}: "
            f"name the column of ids {key!r}, as in the ratings"
        )
    if len(set(table.columns)) < len(table.columns):
        twice = next(name for name in table.columns if table.columns.count(name) > 1)
        raise ValueError(f"the {role} table ({table.name}) has two columns named {twice!r}: rename or drop one")
    frame = table.read(table.columns, text=[column])
    codes, known = encode(frame[column], column, table)
    _check_once(codes, known, column, table)
    rows = pd.Series(np.arange(len(frame)), index=known[codes]).reindex(ids)
    if rows.isna().all():
        raise ValueError(
            f"the {role} table ({table.name}) holds none of the log's {role}s: its column {column!r} has ids such as "
            f"{str(known[0])!r}, the ratings such as {str(ids[0])!r}"
        )
    position = rows.fillna(-1).to_numpy(dtype=np.int64)
    taken = frame.drop(columns=[column]).take(position).reset_index(drop=True)  # -1 is blanked below
    # Yes and no become 1 and 0, so that with missing rows they are still numbers.
    taken = taken.astype(dict.fromkeys(taken.select_dtypes("bool").columns, "int64"))
    return taken if (position >= 0).all() else taken.where(pd.Series(position >= 0), np.nan)


def split_genres(cells: Iterable[Any], *, spaces: bool = False) -> tuple[tuple[str, ...], ...]:
    """Return a tuple of genres a cell.

    Cells are lists, or text separated by `|`, else by commas, else (with `spaces`) by blanks.

    >>> split_genres(["Drama|War", "", None])
    (('Drama', 'War'), (), ())
    """
    values = list(cells)
    texts = [value for value in values if isinstance(value, str)]
    separator = next((s for s in ("|", ",") if any(s in text for text in texts)), " " if spaces else "|")
    return tuple(_genres_of(value, separator) for value in values)


def tidy_features(frame: pd.DataFrame) -> pd.DataFrame | None:
    """Return a table of int64, float64 and text columns with plain names; None when no column is left."""
    import pandas as pd

    tidied = {plain_name(name): _tidy(frame[name]) for name in frame.columns}
    return pd.DataFrame(tidied, index=pd.RangeIndex(len(frame))) if tidied else None


def _tidy(column: pd.Series) -> pd.Series:
    from pandas.api import types

    if types.is_integer_dtype(column.dtype) or types.is_bool_dtype(column.dtype):
        return column.astype("int64") if not column.isna().any() else column.astype("float64")
    if types.is_numeric_dtype(column.dtype):
        return column.astype("float64")
    return column.astype(object).where(column.notna(), "").astype(str)


def _genres_of(value: Any, separator: str) -> tuple[str, ...]:
    if isinstance(value, list | tuple | np.ndarray):
        parts = [str(part).strip() for part in value]
    else:
        parts = [part.strip() for part in value.split(separator)] if isinstance(value, str) else []
    return tuple(dict.fromkeys(part for part in parts if part.lower() not in NO_GENRE))


def _check_once(codes: NDArray[np.int64], known: NDArray[np.str_], column: str, table: Any) -> None:
    counts = np.bincount(codes)
    if (counts > 1).any():
        code = int(np.flatnonzero(counts > 1)[0])
        rows = np.flatnonzero(codes == code)
        raise ValueError(
            f"{table.place(int(rows[1]))}, column {column!r}: {str(known[code])!r} has a row already "
            f"({table.place(int(rows[0])).removeprefix(table.name + ', ')}); keep one row an id"
        )
