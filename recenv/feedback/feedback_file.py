"""A log that is larger than memory, read block by block."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from recenv.feedback.frame import CONTINUOUS, EMPTY, from_columns, rename
from recenv.feedback.labels import LABELS, codes_among, distinct, is_text
from recenv.feedback.logged_feedback import LoggedFeedback, PropensityKind
from recenv.feedback.validation import guessed_items, number_column
from recenv.storage import check_version

if TYPE_CHECKING:
    import pyarrow as pa
    import pyarrow.parquet as pq

FORMAT_VERSION = 1
ROW_GROUP = 65_536
METADATA_KEY = b"recenv"


class FeedbackFile:
    """A Parquet log that is read block by block, so that it need not fit in memory.

    Its rows must be in the order of their episodes, as `LoggedFeedback.save` writes them. Text in `episode`, `user` or
    `logger` is numbered as in `from_frame`: opening the file reads these columns once, in memory linear in their
    distinct labels.
    """

    def __init__(
        self, path: str | Path, *, n_items: int | None = None, columns: Mapping[str, str] | None = None
    ) -> None:
        self.path = Path(path)
        self._columns = columns
        file = self.open()
        self.rows: int = file.metadata.num_rows
        header = self._read_header(file)
        self.meta: dict[str, Any] = header.get("meta", {})
        self._kind: PropensityKind | None = header.get("propensity_kind")
        self._shapes: dict[str, list[int]] = header.get("shapes", {})
        self._dtypes: dict[str, str] = header.get("dtypes", {})
        self._names: list[str] = list(file.schema_arrow.names)
        self._n_items: int | None = n_items if n_items is not None else header.get("n_items")
        self._labels = self._text_labels(file)
        if self._named("logger") in self._labels:
            self.meta = {"loggers": self._labels[self._named("logger")].to_pylist(), **self.meta}

    def _text_labels(self, file: pq.ParquetFile) -> dict[str, pa.Array]:
        """Return the distinct labels of the columns of the file that are text and name something."""
        schema, named = file.schema_arrow, {self._named(name): name for name in LABELS}
        text = [name for name in named if name in self._names and is_text(schema.field(name).type)]
        return {name: distinct(named[name], (batch[0] for batch in self._batches([name]))) for name in text}

    def __len__(self) -> int:
        return self.rows

    @property
    def n_items(self) -> int:
        """N, the size of the catalogue: given, stored, or else the largest id in the file plus one."""
        if self._n_items is None and set(CONTINUOUS) <= set(self._names) and self._named("item") not in self._names:
            self._n_items = 1
        if self._n_items is None:
            if not self.rows:
                raise ValueError(f"{self.path}: {EMPTY}")
            largest = int(number_column("item", self._column("item"), np.int64).max())
            self._n_items = guessed_items(max(largest, self._largest_candidate()))
        return self._n_items

    def _largest_candidate(self) -> int:
        import pyarrow.compute as pc

        name = self._named("candidates")
        if name not in self._names:
            return -1
        batches = self._batches([name])
        return max((pc.max(pc.list_flatten(batch[0])).as_py() for batch in batches), default=-1)

    @property
    def user(self) -> NDArray[np.int64]:
        """(n,) user ids, read without the rest of the file."""
        for name in ("user", "episode"):
            if self._named(name) in self._names:
                return number_column(name, self._column(name), np.int64)
        return np.arange(self.rows)

    def iter_blocks(self, rows: int = ROW_GROUP) -> Iterator[LoggedFeedback]:
        """Yield blocks of about `rows` rows; an episode is never cut.

        Raises
        ------
        ValueError
            If the episodes are not in order, or a row is not usable.
        """
        done, seen = 0, None
        for table in self._whole_episodes(rows):
            try:
                block = self.block(table, done)
            except ValueError as error:
                raise ValueError(f"{self.path}, rows counted from row {done} of the file: {error}") from None
            if seen is not None and block.episode[0] <= seen:
                raise ValueError(
                    f"{self.path}: episode {block.episode[0]} begins after episode {seen}: sort the file by episode "
                    "and step to read it in blocks, or read it whole with LoggedFeedback.read"
                )
            done, seen = done + block.rows, block.episode[-1]
            yield block

    def _whole_episodes(self, rows: int) -> Iterator[pa.Table]:
        """Hold back the last episode of each batch until its end has been read."""
        import pyarrow as pa

        held: pa.Table | None = None
        episode = self._named("episode")
        for batch in self._batches(rows=rows):
            table = pa.Table.from_batches([batch])
            held = table if held is None else pa.concat_tables([held, table])
            if held.num_rows < rows:
                continue
            cut = held.num_rows if episode not in self._names else _last_start(self._to_numpy(episode, held[episode]))
            if cut:
                yield held.slice(0, cut)
                held = held.slice(cut) if cut < held.num_rows else None
        if held is not None and held.num_rows:
            yield held

    def _batches(self, columns: Sequence[str] | None = None, *, rows: int = ROW_GROUP) -> Iterator[pa.RecordBatch]:
        """Yield these columns (None: all) of about `rows` rows at a time."""
        import pyarrow as pa

        try:
            yield from self.open().iter_batches(batch_size=rows, columns=columns)
        except (pa.ArrowException, OSError) as error:
            raise ValueError(f"{self.path} is damaged ({error}); write the log again") from None

    def block(self, table: pa.Table, first_row: int) -> LoggedFeedback:
        """Return the log in these rows; the first of them is row `first_row` of the file."""
        read = {name: self._to_numpy(name, table[name]) for name in table.column_names}
        for name, shape in self._shapes.items():
            if name not in read:  # matrices without columns are not written
                read[name] = np.zeros((table.num_rows, *shape), dtype=self._dtypes[name])
        return from_columns(
            rename(read, self._columns),
            n_items=self.n_items,
            meta=self.meta,
            propensity_kind=self._kind if self._kind != "missing" else None,
            first_row=first_row,
        )

    def _to_numpy(self, name: str, column: pa.ChunkedArray) -> NDArray[Any]:
        import pyarrow as pa
        import pyarrow.compute as pc

        if name in self._labels:
            return codes_among(self._labels[name], column)
        if not (pa.types.is_list(column.type) or pa.types.is_fixed_size_list(column.type)):
            return column.to_numpy()
        lengths = pc.unique(pc.list_value_length(column)).to_pylist()
        if len(lengths) > 1:
            raise ValueError(
                f"{self.path}: {name} must have equally long lists; it has lengths {lengths[:5]}: pad them"
            )
        flat = pc.list_flatten(column).to_numpy()
        return flat.reshape(len(column), *self._shapes.get(name, [-1]))

    def _column(self, name: str) -> NDArray[Any]:
        import pyarrow as pa

        wanted = self._named(name)
        if wanted not in self._names:
            hint = f'pass columns={{"{name}": "your_column"}}'
            raise ValueError(f"{self.path} has no column {wanted!r}; it has {', '.join(self._names)}: {hint}")
        try:
            column = self.open().read([wanted])[wanted]
        except (pa.ArrowException, OSError) as error:
            raise ValueError(f"{self.path} is damaged ({error}); write the log again") from None
        return self._to_numpy(wanted, column)

    def _named(self, name: str) -> str:
        return (self._columns or {}).get(name, name)

    def open(self) -> pq.ParquetFile:
        """Open the file, or say why it cannot be."""
        import pyarrow as pa
        import pyarrow.parquet as pq

        if not self.path.is_file():
            raise FileNotFoundError(f"{self.path} is not there; give the path of a log")
        try:
            return pq.ParquetFile(self.path)
        except (pa.ArrowException, OSError) as error:
            raise ValueError(
                f"{self.path} is truncated or not a Parquet file ({error}); write the log again or copy it once more"
            ) from None

    def _read_header(self, file: pq.ParquetFile) -> dict[str, Any]:
        stored = (file.schema_arrow.metadata or {}).get(METADATA_KEY)
        if stored is None:
            return {}
        header = json.loads(stored)
        if header.get("kind") != "logged_feedback":
            raise ValueError(f"{self.path} is a {header.get('kind')}, not logged feedback; give the path of a log")
        check_version(header.get("format_version"), FORMAT_VERSION, self.path)
        return header


def _last_start(episode: NDArray[Any]) -> int:
    """Return where the last episode of a batch begins."""
    changes = np.flatnonzero(np.diff(episode) != 0)
    return int(changes[-1]) + 1 if len(changes) else 0
