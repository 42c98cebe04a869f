"""Jester: a continuous scale, and 7,200 users who rated all 100 items."""

from __future__ import annotations

from pathlib import Path

from recenv.data.ratings_log import RatingsLog
from recenv.data.tables import open_table

SCALE = (-10.0, 10.0)
"""The rating scale: `log.discretise(10, bounds=SCALE)` gives levels two units wide."""


def load_jester(folder: str | Path) -> RatingsLog:
    """Return Jester data set 1, part 1: 24,983 users, 100 items, ratings from -10 to 10.

    Titles are numbers, since some texts are offensive; the texts are the item feature `text` where `items.parquet`
    lies beside `ratings.parquet`. For an ordinal model call `discretise`.
    """
    path = Path(folder) / "items.parquet"
    items = None
    if path.is_file():
        # Counts and means of the ratings are left out: they would tell held-out ratings.
        items = open_table(path).read(["item_id", "text"])
        items["title"] = [f"joke {int(i) + 1}" for i in items["item_id"]]
    table = open_table(Path(folder) / "ratings.parquet")
    return RatingsLog.from_frame(table.read(["user_id", "item_id", "rating"]), items=items, name="jester")
