"""Where ratings come from: a DataFrame, a delimited text file or a Parquet file, read in one way."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    import pandas as pd

SUFFIXES = (".csv", ".tsv", ".inter", ".item", ".user", ".parquet", ".pq")


class Table(Protocol):
    """A table of which only the columns that are asked for are read."""

    name: str
    """What to call it in an error message."""
    columns: list[str]
    """The names of its columns, in order."""

    def read(self, names: Sequence[str], *, text: Sequence[str] = ()) -> pd.DataFrame:
        """Return these columns; those in `text` as text, exactly as they are written."""
        ...

    def place(self, row: int) -> str:
        """Return where row `row` (from 0) is, in the words of whoever looks at the table."""
        ...


class FrameTable:
    """A DataFrame that the caller holds."""

    def __init__(self, frame: pd.DataFrame, name: str = "the DataFrame") -> None:
        import pandas as pd

        if not isinstance(frame, pd.DataFrame):
            raise TypeError(f"ratings must be a pandas DataFrame or a path; got {type(frame).__name__}")
        self.name = name
        self.columns = [str(column) for column in frame.columns]
        self._frame = frame

    def read(self, names: Sequence[str], *, text: Sequence[str] = ()) -> pd.DataFrame:
        """Return these columns as they are; nothing is converted."""
        chosen = self._frame.iloc[:, [self.columns.index(name) for name in names]]
        return chosen.set_axis(list(names), axis=1).reset_index(drop=True)

    def place(self, row: int) -> str:
        """Return the position from 0 and, where it differs, the index label."""
        label: Any = self._frame.index[row]
        labelled = "" if str(label) == str(row) else f" (index {label!r})"
        return f"{self.name}, row {row}{labelled}"


def open_table(source: pd.DataFrame | str | Path) -> Table:
    """Return the table behind a DataFrame or a path; of a file only the header is read yet.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If the suffix is not known, or the file is empty or unreadable.
    TypeError
        If `source` is neither a DataFrame nor a path.
    """
    if isinstance(source, str | Path):
        return _open_file(Path(source))
    import pandas as pd

    if isinstance(source, pd.DataFrame):
        return FrameTable(source)
    raise TypeError(f"a table must be a pandas DataFrame or a path; got {type(source).__name__}")


def _open_file(path: Path) -> Table:
    from recenv.data.delimited import DelimitedTable
    from recenv.data.parquet import ParquetTable

    if not path.exists():
        raise FileNotFoundError(f"{path} does not exist")
    if path.is_dir():
        raise ValueError(f"{path} is a folder; give the file with the ratings in it")
    suffix = path.suffix.lower()
    if suffix not in SUFFIXES:
        raise ValueError(
            f"{path} has the suffix {suffix or '(none)'}; known are {', '.join(SUFFIXES)}: "
            "rename it to what it holds, or read it yourself and pass a DataFrame"
        )
    return ParquetTable(path) if suffix in (".parquet", ".pq") else DelimitedTable(path)
