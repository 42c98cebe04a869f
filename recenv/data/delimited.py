"""Delimited text: read by Arrow at full speed; only when that fails, read again line by line to say where and why."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from recenv.data.columns import column_type

if TYPE_CHECKING:
    import pandas as pd

_UNQUOTED = (".inter", ".item", ".user")
_BLOCK = 1 << 23


class DelimitedTable:
    """A text file with a header line, separated by tabs or, for `.csv`, by what its header uses.

    Files with the suffixes `.inter`, `.item` and `.user` are tab separated, have typed headers and no quoting.
    """

    def __init__(self, path: Path) -> None:
        self.name = str(path)
        self._bytes = path.read_bytes().removeprefix(b"\xef\xbb\xbf")
        header = self._header_line()
        self._quoted = path.suffix.lower() not in _UNQUOTED
        self._delimiter = _delimiter_of(header) if path.suffix.lower() == ".csv" else "\t"
        self.columns = next(self._records(header))[1]

    def read(self, names: Sequence[str], *, text: Sequence[str] = ()) -> pd.DataFrame:
        """Return these columns; `text` columns and those typed as tokens stay text, others are inferred.

        Raises
        ------
        ValueError
            If a line has the wrong number of fields or is not UTF-8, with its line number.
        """
        import pyarrow as pa
        from pyarrow import csv as arrow_csv

        as_text = {*text, *(n for n in names if (column_type(n) or "").startswith("token"))}
        try:
            table = arrow_csv.read_csv(
                pa.BufferReader(self._bytes),
                read_options=arrow_csv.ReadOptions(block_size=_BLOCK),
                parse_options=arrow_csv.ParseOptions(
                    delimiter=self._delimiter,
                    quote_char='"' if self._quoted else False,
                    newlines_in_values=self._quoted,
                ),
                convert_options=arrow_csv.ConvertOptions(
                    include_columns=list(names), column_types={name: pa.string() for name in as_text}
                ),
            )
        except (pa.ArrowInvalid, pa.ArrowKeyError) as error:
            raise ValueError(self._diagnose(str(error))) from None
        return table.to_pandas()

    def place(self, row: int) -> str:
        """Return the file and the line as an editor shows it (the header is line 1)."""
        for index, (line, _) in enumerate(self._records(self._decoded())):
            if index == row + 1:
                return f"{self.name}, line {line}"
        return f"{self.name}, row {row} (from 0)"

    def _header_line(self) -> str:
        start = self._bytes.lstrip(b"\r\n")
        if not start.strip():
            raise ValueError(f"{self.name} is empty; it needs a header line and one line a rating")
        line = start.splitlines()[0] if len(start) < _BLOCK else start[:_BLOCK].splitlines()[0]
        try:
            return line.decode("utf-8")
        except UnicodeDecodeError:
            raise ValueError(self._diagnose("")) from None

    def _records(self, text: str) -> Iterator[tuple[int, list[str]]]:
        """Yield (line on which the record starts, its fields), leaving out empty lines as Arrow does."""
        stream = io.StringIO(text, newline="")
        if self._quoted:
            reader = csv.reader(stream, delimiter=self._delimiter)
        else:
            reader = csv.reader(stream, delimiter=self._delimiter, quoting=csv.QUOTE_NONE)
        line = 1
        for fields in reader:
            if fields:
                yield line, fields
            line = reader.line_num + 1

    def _decoded(self) -> str:
        return self._bytes.decode("utf-8", errors="replace")

    def _diagnose(self, reason: str) -> str:
        """Return what is wrong and on which line."""
        try:
            self._bytes.decode("utf-8")
        except UnicodeDecodeError as error:
            line = self._bytes.count(b"\n", 0, error.start) + 1
            byte = self._bytes[error.start]
            return (
                f"{self.name}, line {line} is not UTF-8 (byte 0x{byte:02x}); save the file as UTF-8, "
                "or read it yourself with the right encoding and pass a DataFrame"
            )
        return self._ragged() or f"{self.name} cannot be read: {reason.splitlines()[0]}"

    def _ragged(self) -> str | None:
        width = len(self.columns)
        try:
            for line, fields in self._records(self._decoded()):
                if len(fields) != width:
                    return (
                        f"{self.name}, line {line} has {len(fields)} fields where the header has {width}: "
                        f"{_short(self._delimiter.join(fields))!r}; complete the line, or quote fields that hold "
                        f"{self._delimiter!r} or line breaks"
                    )
        except csv.Error as error:
            return f"{self.name} cannot be read: {error}"
        return None


def _delimiter_of(header: str) -> str:
    """Return the separator of a `.csv` header; a semicolon or tab where there are more of those than commas."""
    return max((",", ";", "\t"), key=header.count)


def _short(text: str, limit: int = 60) -> str:
    return text if len(text) <= limit else text[:limit] + "..."
