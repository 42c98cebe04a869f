"""Text that names episodes, users and loggers, numbered in its natural order."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import pyarrow as pa

LABELS = ("episode", "user", "logger")
"""Columns that may be text."""


def numbered(name: str, values: Any) -> tuple[NDArray[Any], list[str]]:
    """Return text (n,) numbered from 0, and the distinct labels in order; numbers stay as they are, without labels.

    Raises
    ------
    ValueError
        If some rows hold text and others nothing.
    """
    labels = np.asarray(values)
    if labels.dtype.kind not in "OU":
        return labels, []
    text = np.array([isinstance(label, str) for label in labels], dtype=bool)
    if text.all():
        names, codes = np.unique(labels.astype(str), return_inverse=True)
        return codes, names.tolist()
    if text.any():
        refuse_missing(name, np.array([label is None or label != label for label in labels], dtype=bool), labels)
    return labels, []


def refuse_missing(name: str, missing: NDArray[np.bool_], values: NDArray[Any], first_row: int = 0) -> None:
    """Refuse text with holes: `missing` (n,) says where, the first row is row `first_row` of the log."""
    if missing.any():
        row = int(np.argmax(missing))
        raise ValueError(
            f"{name} must not be missing; row {first_row + row} has {values[row]}: fill it in, or drop the row (rows "
            "count from 0)"
        )


def is_text(kind: pa.DataType) -> bool:
    """Return whether a Parquet column of this type holds text, plain or as categories."""
    import pyarrow as pa

    inner = kind.value_type if pa.types.is_dictionary(kind) else kind
    return bool(pa.types.is_string(inner) or pa.types.is_large_string(inner) or pa.types.is_string_view(inner))


def distinct(name: str, columns: Iterable[pa.Array]) -> pa.Array:
    """Return the distinct labels of a text column in order; memory is linear in their number.

    Parameters
    ----------
    columns : iterable of array
        The column, block by block.

    Raises
    ------
    ValueError
        If a label is missing.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    seen, done = pa.array([], pa.large_string()), 0
    for column in columns:
        if column.null_count:
            refuse_missing(
                name, pc.is_null(column).to_numpy(zero_copy_only=False), np.array([None] * len(column)), done
            )
        seen = pc.unique(pa.chunked_array([seen, as_text(column)]))
        done += len(column)
    return seen.take(pc.sort_indices(seen))


def codes_among(labels: pa.Array, column: pa.ChunkedArray) -> NDArray[np.int64]:
    """Return the place (n,) of each entry of a text column among the distinct `labels`."""
    import pyarrow.compute as pc

    codes: NDArray[np.int64] = pc.index_in(as_text(column), value_set=labels).to_numpy().astype(np.int64)
    return codes


def as_text(column: Any) -> Any:
    """Return an Arrow column of text of any width, or of categories, as plain text."""
    import pyarrow as pa

    return column.cast(pa.large_string())
