"""From the ids of a log to codes 0, 1, 2, ... in the ids' natural order."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import pandas as pd

    from recenv.data.tables import Table

LONGEST = 512
"""Characters an id may have; more means that the column is not one of ids, and would take much memory."""


def encode(values: pd.Series, column: str, table: Table) -> tuple[NDArray[np.int64], NDArray[np.str_]]:
    """Return (codes (n,), ids (U,)): `ids[codes]` are the values as text, ids in their natural order.

    Raises
    ------
    ValueError
        If a value is empty or too long to be an id, with its row.
    """
    import pandas as pd

    try:
        codes, uniques = pd.factorize(values)
    except TypeError as error:
        raise TypeError(
            f"column {column!r} of {table.name} holds no ids ({error}): give text or whole numbers"
        ) from None
    texts = [_as_text(value) for value in uniques]
    _check_ids(codes, texts, column, table)
    merged, distinct = pd.factorize(np.array(texts, dtype=object))  # 1 and "1" in one column are one id
    ids = np.array(distinct, dtype=np.str_)
    order = natural_order(ids)
    rank = np.empty(len(ids), dtype=np.int64)
    rank[order] = np.arange(len(ids))
    return rank[merged[codes]], ids[order]


def natural_order(ids: NDArray[np.str_]) -> NDArray[np.int64]:
    """Return the order of (U,) ids: by number where all are whole numbers, else by text."""
    digits = np.strings.lstrip(ids, "-")
    short = np.strings.str_len(digits) <= 18  # fits an int64
    if len(ids) and bool(np.all(short & np.strings.isdigit(digits) & _ascii(digits))):
        return np.lexsort((ids, ids.astype(np.int64)))
    return np.argsort(ids, kind="stable")


def _ascii(ids: NDArray[np.str_]) -> NDArray[np.bool_]:
    return np.array([text.isascii() for text in ids.tolist()], dtype=np.bool_)


def _as_text(value: Any) -> str:
    """Return an id as text; a whole number in a float column (a common upcast) loses its `.0`."""
    if isinstance(value, float | np.floating) and float(value).is_integer():
        return str(int(value))
    return str(value)


def _check_ids(codes: NDArray[np.intp], texts: list[str], column: str, table: Table) -> None:
    empty = {code for code, text in enumerate(texts) if not text.strip() or text.strip().lower() == "nan"}
    bad = codes < 0 if not empty else (codes < 0) | np.isin(codes, list(empty))
    if bad.any():
        rows = np.flatnonzero(bad)
        more = f" ({len(rows)} such rows)" if len(rows) > 1 else ""
        raise ValueError(
            f"{table.place(int(rows[0]))}, column {column!r}: the id is empty{more}; fill it in or drop it"
        )
    for code, text in enumerate(texts):
        if len(text) > LONGEST:
            row = int(np.flatnonzero(codes == code)[0])
            raise ValueError(
                f"{table.place(row)}, column {column!r}: {text[:40]!r}... has {len(text)} characters, an id at most "
                f"{LONGEST}; is this the right column?"
            )
