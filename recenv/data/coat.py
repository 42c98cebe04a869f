"""Coat Shopping: self-selected ratings to learn from, and ratings of random items to be judged by."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from recenv.data.ratings_log import RatingsLog
from recenv.data.tables import open_table

if TYPE_CHECKING:
    import pandas as pd

PARTS = ("train", "random", "random_clean")
_SPLITS = {"train": "train_selfselected", "random": "test_random"}


def load_coat(folder: str | Path, part: str = "train") -> RatingsLog:
    """Return one part of Coat; all parts share users (290), items (300) and levels (1 to 5).

    Items have no titles: they are described by colour, jacket type and gender, and the jacket type is the genre.

    Parameters
    ----------
    folder
        Where `ratings.parquet` lies, with a column `split`, and, if any, `items.parquet` and `users.parquet`.
    part
        `train`: 6,960 ratings of items that users chose. `random`: 4,640 ratings of items drawn at random.
        `random_clean`: `random` without the 366 pairs that are in `train` as well.

    Raises
    ------
    ValueError
        If `part` is not one of these, or the file has no column `split`.
    """
    if part not in PARTS:
        raise ValueError(f"part must be one of {', '.join(PARTS)}; got {part!r}")
    frame = _ratings(Path(folder) / "ratings.parquet")
    train, random = (frame[frame["split"] == split] for split in _SPLITS.values())
    if part == "train":
        return _log(train, Path(folder), "coat")
    whole = _log(random, Path(folder), f"coat ({part})")
    if part == "random":
        return whole
    learned = _log(train, Path(folder), "coat")
    pairs, known = (log.user * log.n_items + log.item for log in (whole, learned))
    return whole.subset(~np.isin(pairs, known))


def _ratings(path: Path) -> pd.DataFrame:
    table = open_table(path)
    if "split" not in table.columns:
        raise ValueError(f"{path} has no column 'split' ({' or '.join(_SPLITS.values())}), only {table.columns}")
    return table.read(["user_id", "item_id", "rating", "split"])


def _log(frame: pd.DataFrame, folder: Path, name: str) -> RatingsLog:
    items, users = folder / "items.parquet", folder / "users.parquet"
    return RatingsLog.from_frame(
        frame,
        items=_described(items) if items.is_file() else None,
        users=users if users.is_file() else None,
        name=name,
    )


def _described(path: Path) -> pd.DataFrame:
    """Return the item table with a title and a genre made from its indicator columns."""
    table = open_table(path)
    frame = table.read(table.columns)
    kind, color, gender = (_active(frame, prefix) for prefix in ("jackettype:", "color:", "gender:"))
    return frame.assign(title=color + " " + kind + " (" + gender + ")", genres=kind)


def _active(frame: pd.DataFrame, prefix: str) -> pd.Series:
    """Return, by row, which of the indicator columns with this prefix is on."""
    columns = [name for name in frame.columns if name.startswith(prefix)]
    return frame[columns].idxmax(axis=1).astype(str).str.removeprefix(prefix)
