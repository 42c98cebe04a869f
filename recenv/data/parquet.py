"""Parquet files, read column by column."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd


class ParquetTable:
    """A Parquet file; rows are counted from 0, as a DataFrame shows them."""

    def __init__(self, path: Path) -> None:
        self.name = str(path)
        self._path = path
        self.columns = [str(name) for name in self._open().schema_arrow.names]

    def read(self, names: Sequence[str], *, text: Sequence[str] = ()) -> pd.DataFrame:
        """Return these columns with the types that the file declares."""
        try:
            # Without pandas' own metadata: a column that was an index is a column like any other.
            return self._open().read(columns=list(names)).to_pandas(ignore_metadata=True)[list(names)]
        except (OSError, ValueError) as error:
            raise self._unreadable(error) from None

    def place(self, row: int) -> str:
        """Return the file and the row, counted from 0."""
        return f"{self.name}, row {row} (from 0)"

    def _open(self) -> Any:
        from pyarrow import parquet

        try:
            return parquet.ParquetFile(self._path)
        except (OSError, ValueError) as error:
            raise self._unreadable(error) from None

    def _unreadable(self, error: Exception) -> ValueError:
        if self._path.stat().st_size == 0:
            return ValueError(f"{self.name} is empty (0 bytes); export it again")
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        return ValueError(f"{self.name} is truncated or not Parquet ({reason}); copy or export it again")
