"""MovieLens: 100K and 1M as the packages ship them, and latest-small from a folder."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from recenv.data.ratings_log import RatingsLog
from recenv.data.side_tables import split_genres
from recenv.data.tables import open_table

if TYPE_CHECKING:
    import pandas as pd

_USER_PREFIX = "1m_"


def load_ml_100k(folder: str | Path) -> RatingsLog:
    """Return MovieLens 100K: 943 users, 1,682 items, ages, occupations, genres and years.

    The genre `unknown` counts as no genre.
    """
    ratings, items, users = (_all_columns(Path(folder) / f"ml-100k.{part}") for part in ("inter", "item", "user"))
    return RatingsLog.from_frame(ratings, items=_items(items), users=_users(users), name="ml-100k")


def load_ml_1m(folder: str | Path) -> RatingsLog:
    """Return MovieLens 1M: 6,040 users, 3,706 rated items.

    The source names items by title and year, and users by `1m_<id>`; the prefix is taken off. The 177 items of its
    table that nobody rated are left out.
    """
    ratings, items, users = (_all_columns(Path(folder) / f"ml-1m.{part}") for part in ("inter", "item", "user"))
    for table in (ratings, users):
        table["user_id"] = table["user_id"].str.removeprefix(_USER_PREFIX)
    return RatingsLog.from_frame(ratings, items=_items(items), users=_users(users), name="ml-1m")


def load_ml_latest_small(folder: str | Path) -> RatingsLog:
    """Return MovieLens latest-small: 610 users, 9,724 rated items, half-star ratings, genres, years and tags.

    Titles and genres need `items.parquet` beside `ratings.parquet`.
    """
    path = Path(folder) / "items.parquet"
    items = _all_columns(path).drop(columns=["imdbId", "tmdbId"], errors="ignore") if path.is_file() else None
    ratings = _all_columns(Path(folder) / "ratings.parquet")
    return RatingsLog.from_frame(ratings, items=items, name="ml-latest-small")


def _all_columns(path: Path) -> pd.DataFrame:
    """Return a file with plain column names."""
    table = open_table(path)
    frame = table.read(table.columns, text=[c for c in table.columns if c.startswith(("user_id", "item_id"))])
    return frame.set_axis([name.split(":")[0] for name in table.columns], axis=1)


def _items(table: pd.DataFrame) -> pd.DataFrame:
    """Return the item table with the year as a number and the genres, which blanks separate, as lists."""
    import pandas as pd

    column = "class" if "class" in table.columns else "genre"
    genres = pd.Series([[g for g in cell if g != "unknown"] for cell in split_genres(table[column], spaces=True)])
    years = pd.to_numeric(table["release_year"], errors="coerce")
    return table.drop(columns=[column, "release_year"]).assign(year=years, genres=genres)


def _users(table: pd.DataFrame) -> pd.DataFrame:
    """Return the user table with the age as a number; occupations of the larger set are codes, so text."""
    import pandas as pd

    return table.assign(age=pd.to_numeric(table["age"]), occupation=table["occupation"].astype(str))
