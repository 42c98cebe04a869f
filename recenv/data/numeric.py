"""Numbers out of a column, and the row of the first one that is not a number."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import pandas as pd

    from recenv.data.tables import Table

_EMPTY = ("", "nan", "na", "n/a", "null", "none", "<na>", "nat")


def finite_numbers(values: pd.Series, column: str, table: Table, remedy: str) -> NDArray[np.float64]:
    """Return a column as (n,) finite float64.

    Raises
    ------
    ValueError
        If a value is text, empty or infinite, with its row, its value and the remedy.
    """
    numbers = _coerce(values, column, table, remedy)
    bad = ~np.isfinite(numbers)
    if bad.any():
        rows = np.flatnonzero(bad)
        row = int(rows[0])
        more = f" ({len(rows)} such rows)" if len(rows) > 1 else ""
        raise ValueError(f"{table.place(row)}, column {column!r}: {_fault(values.iloc[row])}{more}; {remedy}")
    return numbers


def seconds(values: pd.Series, column: str, table: Table) -> NDArray[np.int64] | NDArray[np.float64]:
    """Return timestamps as (n,) numbers: as they are, or seconds since 1970 where the column holds dates.

    Whole numbers come back as int64.

    Raises
    ------
    ValueError
        If a timestamp is empty or neither a number nor an ISO 8601 date, with its row.
    """
    remedy = 'give a number or an ISO 8601 date, or ignore the column: columns={"timestamp": None}'
    numbers = finite_numbers(_dates_as_seconds(values), column, table, remedy)
    whole = bool(np.all(numbers == np.floor(numbers)) and np.all(np.abs(numbers) < 2**53))
    return numbers.astype(np.int64) if whole else numbers


def _coerce(values: pd.Series, column: str, table: Table, remedy: str) -> NDArray[np.float64]:
    import pandas as pd
    from pandas.api import types

    if types.is_complex_dtype(values.dtype):
        raise ValueError(f"column {column!r} of {table.name} holds complex numbers: {remedy}")
    if types.is_bool_dtype(values.dtype) or types.is_numeric_dtype(values.dtype):
        return values.to_numpy(dtype=np.float64, na_value=np.nan)
    if isinstance(values.dtype, pd.CategoricalDtype):
        values = values.astype(values.cat.categories.dtype)
    if types.is_datetime64_any_dtype(values.dtype) or types.is_timedelta64_dtype(values.dtype):
        raise ValueError(f"column {column!r} of {table.name} holds dates ({values.dtype}), not numbers: {remedy}")
    return pd.to_numeric(values, errors="coerce").to_numpy(dtype=np.float64, na_value=np.nan)


def _dates_as_seconds(values: pd.Series) -> pd.Series:
    """Return a column of dates, or of ISO 8601 text, as seconds since 1970; anything else as it is."""
    import pandas as pd
    from pandas.api import types

    if types.is_datetime64_any_dtype(values.dtype):
        return _since_1970(values)
    if not types.is_numeric_dtype(values.dtype) and len(values) and "-" in str(values.iloc[0])[1:]:
        dates = pd.to_datetime(values, format="ISO8601", utc=True, errors="coerce")
        if dates.notna().any():
            # Rows that are no dates stay text, so that the check names them with their value.
            return _since_1970(dates).astype(object).where(dates.notna(), values)
    return values


def _since_1970(dates: pd.Series) -> pd.Series:
    import pandas as pd

    utc = pd.to_datetime(dates, utc=True)
    return (utc - pd.Timestamp(0, tz="UTC")) / pd.Timedelta(seconds=1)


def _fault(value: object) -> str:
    text = str(value).strip()
    if text.lower() in _EMPTY:
        return "the value is empty"
    try:
        float(text)
    except ValueError:
        shown = text if len(text) <= 60 else text[:60] + "..."
        return f"{shown!r} is not a number"
    return f"{text} is not finite"
