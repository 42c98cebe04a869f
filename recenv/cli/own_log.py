"""A log of one's own making as the command line reads it: other column names, items that are text."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from recenv.cli.console import console

if TYPE_CHECKING:
    import pandas as pd

    from recenv.feedback import LoggedFeedback

Column = Annotated[
    list[str] | None, typer.Option(help="Rename a column: item=sku. Repeat for more.", show_default=False)
]
Observation = Annotated[
    str | None, typer.Option(help="Number columns, separated by commas, that policies saw.", show_default=False)
]


def read_own_log(path: Path, column: Sequence[str] = (), observation: str | None = None) -> LoggedFeedback:
    """Return the log of a Parquet or CSV file; items that are text are numbered in their natural order, and it is said.

    Parameters
    ----------
    column
        Each OURS=THEIRS.
    observation
        Columns that together are the flat observation, separated by commas.

    Raises
    ------
    ValueError
        If a column is missing, or a row is not usable.
    """
    try:
        return _read(path, dict(_pair(text) for text in column), observation)
    except ValueError as error:  # the remedy in the words of the command line
        raise ValueError(re.sub(r'pass columns=\{"(\w+)": "(\w+)"\}', r"pass --column \1=\2", str(error))) from None


def _read(path: Path, columns: dict[str, str], observation: str | None) -> LoggedFeedback:
    from recenv.feedback import LoggedFeedback

    seen = [name.strip() for name in observation.split(",")] if observation else []
    named = _with_text_items(path, columns.get("item", "item"))
    if named is None:
        return LoggedFeedback.read(path, columns=columns, observation=seen)
    frame, items = named
    some = ", ".join(items[:3]) + (", ..." if len(items) > 3 else "")
    console.print(f"{len(items)} items, numbered in the order of their names: {some}", markup=False)
    return LoggedFeedback.from_frame(frame, columns=columns, observation=seen, meta={"item_names": items})


def _with_text_items(path: Path, name: str) -> tuple[pd.DataFrame, list[str]] | None:
    """Return the table with its items numbered, and their names; None where they are numbers already."""
    from recenv.feedback.labels import numbered

    frame = _table(path, name)
    if frame is None or name not in frame or not len(frame):
        return None
    codes, items = numbered("item", frame[name].to_numpy())
    return (frame.assign(**{name: codes}), items) if items else None


def _table(path: Path, name: str) -> pd.DataFrame | None:
    """Return the whole table; None of a Parquet file that can't be read, or whose column `name` is no text."""
    import pandas as pd
    import pyarrow as pa
    import pyarrow.parquet as pq

    from recenv.feedback.labels import is_text
    from recenv.feedback.parquet import read_csv

    if path.suffix.lower() in (".csv", ".tsv"):
        return read_csv(path)
    try:
        schema = pq.read_schema(path)
    except (pa.ArrowException, OSError):  # reading the log says what is wrong
        return None
    text = name in schema.names and is_text(schema.field(name).type)
    return pd.read_parquet(path) if text else None


def _pair(text: str) -> tuple[str, str]:
    ours, equals, theirs = text.partition("=")
    if not (ours and equals and theirs):
        raise ValueError(f"--column must be OURS=THEIRS, such as item=sku; got {text!r}")
    return ours, theirs
