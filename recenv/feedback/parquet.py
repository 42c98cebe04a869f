"""Logs on disk: one Parquet file, written whole and read whole (see `feedback_file` for blocks)."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from recenv._version import __version__
from recenv.feedback.feedback_file import FORMAT_VERSION, METADATA_KEY, ROW_GROUP, FeedbackFile
from recenv.feedback.frame import from_frame
from recenv.feedback.logged_feedback import LoggedFeedback
from recenv.storage import atomic_file

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa
    import pyarrow.parquet as pq

SEPARATORS = (",", ";", "\t")


def write(feedback: LoggedFeedback, path: str | Path) -> None:
    """Write `feedback` as Parquet: matrices as fixed-size lists, everything else in the schema's metadata."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    arrays = dict(feedback.arrays())
    header = json.dumps(_header(feedback, arrays), allow_nan=False, default=_plain).encode()
    table = pa.table({name: _to_arrow(array) for name, array in arrays.items() if array[:1].size})
    with atomic_file(path) as temporary:
        pq.write_table(table.replace_schema_metadata({METADATA_KEY: header}), temporary, row_group_size=ROW_GROUP)


def _header(feedback: LoggedFeedback, arrays: Mapping[str, NDArray[Any]]) -> dict[str, Any]:
    return {
        "kind": "logged_feedback",
        "format_version": FORMAT_VERSION,
        "recenv": __version__,
        "n_items": feedback.n_items,
        "propensity_kind": feedback.propensity_kind,
        "shapes": {name: [*array.shape[1:]] for name, array in arrays.items() if array.ndim > 1},
        "dtypes": {name: array.dtype.str for name, array in arrays.items() if array.ndim > 1},
        "meta": feedback.meta,
    }


def _plain(value: Any) -> Any:
    if isinstance(value, np.generic | np.ndarray):
        return value.tolist()
    raise TypeError(f"meta holds {value!r}, which JSON cannot hold: use numbers, text, lists and mappings")


def _to_arrow(array: NDArray[Any]) -> pa.Array:
    import pyarrow as pa

    if array.ndim == 1:
        return pa.array(array)
    return pa.FixedSizeListArray.from_arrays(pa.array(np.ascontiguousarray(array).reshape(-1)), array[0].size)


def read(
    path: str | Path,
    *,
    columns: Mapping[str, str] | None = None,
    observation: Sequence[str] = (),
    n_items: int | None = None,
) -> LoggedFeedback:
    """Read a whole log from Parquet or CSV.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If it is truncated, of another kind or a newer format, or a row is not usable.
    """
    source = Path(path)
    if source.suffix.lower() in (".csv", ".tsv"):
        return from_frame(read_csv(source), columns=columns, observation=observation, n_items=n_items)
    file = FeedbackFile(source, n_items=n_items, columns=columns)
    table = _read_table(file.open(), source)
    if observation or (columns or {}).get("episode", "episode") not in table.column_names:
        return from_frame(table.to_pandas(), columns=columns, observation=observation, n_items=n_items, meta=file.meta)
    return file.block(table, 0)


def read_csv(path: Path) -> pd.DataFrame:
    """Return a table of text: columns are apart by a comma, semicolon or tab, whichever the header uses most.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If it cannot be read as a table.
    """
    import pandas as pd

    if not path.is_file():
        raise FileNotFoundError(f"{path} is not there; give the path of a log")
    try:
        with path.open(encoding="utf-8-sig") as lines:
            header = lines.readline()
        return pd.read_csv(path, sep=max(SEPARATORS, key=header.count), encoding="utf-8-sig")
    except (pd.errors.ParserError, pd.errors.EmptyDataError, UnicodeDecodeError) as error:
        raise ValueError(f"{path} cannot be read as a table ({error}); write it again as CSV or Parquet") from None


def _read_table(file: pq.ParquetFile, path: Path) -> pa.Table:
    import pyarrow as pa

    try:
        return file.read()
    except (pa.ArrowException, OSError) as error:
        raise ValueError(f"{path} is damaged ({error}); write the log again or copy it once more") from None
