"""The validated record of who rated what, and how."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from recenv.data.columns import nearest

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, eq=False, kw_only=True)
class RatingsLog:
    """Ratings of N items by U users, at most one a pair, in time order where there are timestamps.

    The arrays are read-only; `numpy.array(log.user)` gives a writable copy. Codes follow the natural order of the
    ids: by number where all ids are whole numbers, else by text. Parts of a log (`subset`, splits) keep its users,
    items, codes and levels, so an array by user or by item fits the whole and every part.
    """

    name: str
    """What the log is called in messages and reports."""
    user: NDArray[np.int64]
    """(n,) user codes in 0..U-1."""
    item: NDArray[np.int64]
    """(n,) item codes in 0..N-1."""
    rating: NDArray[np.float64]
    """(n,) ratings, in the log's own unit."""
    user_ids: NDArray[np.str_]
    """(U,) original user ids as text, by code."""
    item_ids: NDArray[np.str_]
    """(N,) original item ids as text, by code."""
    levels: NDArray[np.float64]
    """(L,) distinct rating values, ascending."""
    timestamp: NDArray[np.int64] | NDArray[np.float64] | None = None
    """(n,) times in the log's own unit (seconds since 1970 where the source held dates), or None."""
    titles: tuple[str, ...] = ()
    """N titles by item code, or () where the data has none."""
    genres: tuple[tuple[str, ...], ...] = ()
    """N tuples of genres by item code, or () where the data has none."""
    user_features: pd.DataFrame | None = None
    """U rows by user code: numbers or text, or None."""
    item_features: pd.DataFrame | None = None
    """N rows by item code: numbers or text, or None."""

    def __post_init__(self) -> None:
        for field, kind in (("user", np.int64), ("item", np.int64), ("rating", np.float64), ("levels", np.float64)):
            _freeze(self, field, np.ascontiguousarray(getattr(self, field), dtype=kind))
        for field in ("user_ids", "item_ids"):
            _freeze(self, field, np.ascontiguousarray(getattr(self, field), dtype=np.str_))
        if self.timestamp is not None:
            _freeze(self, "timestamp", np.ascontiguousarray(self.timestamp))
        _check(self)

    @classmethod
    def from_frame(
        cls,
        frame: pd.DataFrame,
        *,
        items: pd.DataFrame | str | Path | None = None,
        users: pd.DataFrame | str | Path | None = None,
        columns: Mapping[str, str | None] | None = None,
        name: str = "ratings",
    ) -> RatingsLog:
        """Return the log of a DataFrame with one row a rating.

        Parameters
        ----------
        frame
            Columns for the user, the item, the rating and, if any, the timestamp, under their usual names.
        items, users
            Tables with an id column, a title and genres (items) and features; rows of unknown ids are left out,
            missing rows are filled with the id as title, no genre, NaN and empty text.
        columns
            Names by role where they are unusual, as `{"user": "shopper"}`; `{"timestamp": None}` ignores the times.

        Raises
        ------
        ValueError
            If a column is missing, a value is empty, infinite or not a number, a user-item pair occurs twice, or
            there are fewer than two users, two items or two rating levels; with the row, the value and the remedy.
        """
        from recenv.data.assembly import assemble
        from recenv.data.tables import FrameTable

        return assemble(FrameTable(frame), items=items, users=users, columns=columns, name=name)

    @classmethod
    def read(
        cls,
        path: str | Path,
        *,
        items: pd.DataFrame | str | Path | None = None,
        users: pd.DataFrame | str | Path | None = None,
        columns: Mapping[str, str | None] | None = None,
    ) -> RatingsLog:
        """Return the log in a CSV, TSV or Parquet file; the arguments and errors are those of `from_frame`.

        Ids are kept as they are written (`007` stays `007`). Typed headers such as `user_id:token` are understood.
        """
        from recenv.data.assembly import assemble
        from recenv.data.tables import open_table

        return assemble(open_table(Path(path)), items=items, users=users, columns=columns, name=Path(path).stem)

    @classmethod
    def load(cls, name: str, *, home: str | Path | None = None) -> RatingsLog:
        """Return a data set of the registry by name; never downloads.

        Parameters
        ----------
        name
            One of `recenv data list`.
        home
            The folder of data sets, or the data set's own folder; else `RECENV_DATA`, else the user's cache.

        Raises
        ------
        FileNotFoundError
            If the data set is not there, with the command that fetches it.
        """
        from recenv.data.loading import load_named

        return load_named(name, home=home)

    @classmethod
    def load_saved(cls, folder: str | Path) -> RatingsLog:
        """Return a log written by `save`."""
        from recenv.data.saving import load_log_folder

        return load_log_folder(folder)

    def save(self, folder: str | Path) -> None:
        """Write the log as a folder of JSON and arrays, whole or not at all."""
        from recenv.data.saving import save_log_folder

        save_log_folder(self, folder)

    @property
    def n_users(self) -> int:
        """U, the number of users, rated or not in this part."""
        return len(self.user_ids)

    @property
    def n_items(self) -> int:
        """N, the number of items, rated or not in this part."""
        return len(self.item_ids)

    @property
    def n_ratings(self) -> int:
        """n, the number of ratings."""
        return len(self.rating)

    def __len__(self) -> int:
        return self.n_ratings

    def __repr__(self) -> str:
        return f"RatingsLog({self.name!r}: {self.n_users:,} users x {self.n_items:,} items, {len(self):,} ratings)"

    @cached_property
    def fingerprint(self) -> tuple[int, ...]:
        """Sketch of the user-item pairs of this part (see `recenv.data.fingerprint`)."""
        from recenv.data.fingerprint import coded_fingerprint

        return coded_fingerprint(self.user_ids, self.user, self.item_ids, self.item)

    def subset(self, rows: ArrayLike) -> RatingsLog:
        """Return the log of some rows, in the same order, with the same users, items, codes and levels.

        Parameters
        ----------
        rows
            (n,) booleans, or distinct row numbers from 0 in any order.

        Raises
        ------
        ValueError
            If a row is out of range or named twice, or a boolean mask has not n entries.
        """
        chosen = _chosen_rows(np.asarray(rows), len(self))
        times = None if self.timestamp is None else self.timestamp[chosen]
        return replace(
            self, user=self.user[chosen], item=self.item[chosen], rating=self.rating[chosen], timestamp=times
        )

    def of_user(self, user_id: str | int) -> RatingsLog:
        """Return the ratings of one user, by original id."""
        found = np.flatnonzero(self.user_ids == str(user_id))
        if not len(found):
            raise ValueError(
                f"user_id {str(user_id)!r} is not a user of {self.name}{nearest(str(user_id), self.user_ids[:10_000])}"
            )
        return self.subset(self.user == found[0])

    def discretise(self, levels: int = 10, *, bounds: tuple[float, float] | None = None) -> RatingsLog:
        """Return the log with ratings 1..L of equal width, for continuous scales.

        `level = 1 + floor(L (rating - low) / (high - low))`, the highest rating included in level L.

        Parameters
        ----------
        levels
            L, at least 2. Levels that no rating falls into are left out of `levels`.
        bounds
            (low, high) of the scale; the log's lowest and highest rating when not given.
        """
        if levels < 2:
            raise ValueError(f"levels must be at least 2; got {levels}")
        low, high = bounds or (float(self.levels[0]), float(self.levels[-1]))
        if not low <= self.levels[0] < self.levels[-1] <= high:
            raise ValueError(f"bounds ({low}, {high}) must hold all ratings: {self.levels[0]} to {self.levels[-1]}")
        known = _equal_width(self.levels, low, high, levels)
        if known[0] == known[-1]:
            raise ValueError(f"bounds ({low}, {high}) put every rating into level {known[0]:g}: choose narrower ones")
        return replace(self, rating=_equal_width(self.rating, low, high, levels), levels=np.unique(known))

    def frame(self) -> pd.DataFrame:
        """Return a DataFrame of user, item, rating and, if any, timestamp, with the original ids as text."""
        import pandas as pd

        content: dict[str, Any] = {
            "user": self.user_ids[self.user],
            "item": self.item_ids[self.item],
            "rating": self.rating,
        }
        if self.timestamp is not None:
            content["timestamp"] = self.timestamp
        return pd.DataFrame(content)

    def summary(self) -> dict[str, Any]:
        """Return counts, density, mean and histogram as plain numbers, ready for JSON."""
        from recenv.data.summary import summarise

        return summarise(self)


def _freeze(log: RatingsLog, field: str, array: NDArray[Any]) -> None:
    view = array.view()
    view.flags.writeable = False
    object.__setattr__(log, field, view)


def _check(log: RatingsLog) -> None:
    columns = {"user": log.user, "item": log.item, "rating": log.rating, "timestamp": log.timestamp}
    for field, array in columns.items():
        if array is not None and array.shape != log.user.shape[:1]:
            raise ValueError(f"{field} has shape {array.shape}; it needs one entry a rating, {log.user.shape[:1]}")
    _check_codes("user", log.user, log.n_users)
    _check_codes("item", log.item, log.n_items)
    if not np.isfinite(log.rating).all():
        row = int(np.flatnonzero(~np.isfinite(log.rating))[0])
        raise ValueError(f"rating must be finite; row {row} has {log.rating[row]}")
    tables = {"titles": log.titles or None, "genres": log.genres or None, "item_features": log.item_features}
    for field, table in tables.items():
        if table is not None and len(table) != log.n_items:
            raise ValueError(f"{field} has {len(table)} entries; it needs one an item, {log.n_items}")
    if log.user_features is not None and len(log.user_features) != log.n_users:
        raise ValueError(f"user_features has {len(log.user_features)} rows; it needs one a user, {log.n_users}")


def _check_codes(field: str, codes: NDArray[np.int64], size: int) -> None:
    bad = (codes < 0) | (codes >= size)
    if bad.any():
        row = int(np.flatnonzero(bad)[0])
        raise ValueError(f"{field} must be a code in 0..{size - 1}; row {row} has {codes[row]}")


def _chosen_rows(rows: NDArray[Any], n: int) -> NDArray[np.int64]:
    if rows.dtype == bool:
        if rows.shape != (n,):
            raise ValueError(f"rows is a mask of shape {rows.shape}; it needs one boolean a rating, ({n},)")
        return np.flatnonzero(rows)
    chosen = np.sort(rows.astype(np.int64).reshape(-1))
    if len(chosen) and (chosen[0] < 0 or chosen[-1] >= n):
        raise ValueError(f"rows must be in 0..{n - 1}; got {chosen[0]} to {chosen[-1]}")
    if (twice := chosen[1:] == chosen[:-1]).any():
        raise ValueError(f"rows names row {chosen[1:][twice][0]} twice; a pair is rated once")
    return chosen


def _equal_width(values: NDArray[np.float64], low: float, high: float, levels: int) -> NDArray[np.float64]:
    return 1.0 + np.clip(np.floor(levels * (values - low) / (high - low)), 0, levels - 1)
