from pathlib import Path

import pandas as pd
import pytest

from recenv.data import RatingsLog


@pytest.fixture
def frame() -> pd.DataFrame:
    """Five ratings, out of time order, with ids whose text order differs from their number order."""
    return pd.DataFrame(
        {
            "user": [10, 9, 10, 2, 9],
            "item": ["b", "a", "a", "c", "b"],
            "rating": [5, 3, 4, 1, 3],
            "timestamp": [40, 10, 20, 50, 10],
        }
    )


@pytest.fixture
def log(frame: pd.DataFrame) -> RatingsLog:
    items = pd.DataFrame(
        {
            "item": ["c", "a", "b"],
            "title": ["Third", "First", "Second"],
            "genres": ["x|y", "", "y"],
            "price": [3.5, 1.0, 2.0],
            "brand": ["q", "p", "p"],
        }
    )
    users = pd.DataFrame({"user_id": [2, 9, 10], "age": [20, 90, 100]})
    return RatingsLog.from_frame(frame, items=items, users=users, name="small")


@pytest.fixture
def write(tmp_path: Path):
    """Write text or bytes to a file of that name and return its path."""

    def _write(content: str | bytes, name: str = "ratings.csv") -> Path:
        path = tmp_path / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    return _write
