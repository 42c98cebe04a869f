import pandas as pd
import pytest

from recenv.data import RatingsLog


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "ratings.parquet"
    pd.DataFrame({"user": [1, 2, 2], "item": [1, 2, 1], "rating": [1.0, 2.0, 3.0], "note": "x"}).to_parquet(path)
    return path


def test_parquet_is_read(path):
    log = RatingsLog.read(path)
    assert log.name == "ratings"
    assert log.rating.tolist() == [1, 2, 3]


def test_a_column_that_was_an_index_is_read(path):
    pd.read_parquet(path).set_index("user").to_parquet(path)
    assert RatingsLog.read(path).user.tolist() == [0, 1, 1]


@pytest.mark.parametrize("cut", [20, 300])
def test_a_truncated_file_is_refused(path, cut):
    path.write_bytes(path.read_bytes()[:-cut])
    with pytest.raises(ValueError, match=r"ratings\.parquet is truncated or not Parquet .*; copy or export it again"):
        RatingsLog.read(path)


def test_damaged_pages_are_refused(path):
    content = bytearray(path.read_bytes())
    content[4:120] = bytes(116)
    path.write_bytes(content)
    with pytest.raises(ValueError, match="is truncated or not Parquet"):
        RatingsLog.read(path)


def test_an_empty_file_is_refused(path):
    path.write_bytes(b"")
    with pytest.raises(ValueError, match=r"is empty \(0 bytes\)"):
        RatingsLog.read(path)


def test_a_bad_value_is_named_with_its_row_from_0(path):
    pd.DataFrame({"user": [1, 2], "item": [1, 2], "rating": [1.0, None]}).to_parquet(path)
    with pytest.raises(ValueError, match=r"ratings\.parquet, row 1 \(from 0\), column 'rating': the value is empty"):
        RatingsLog.read(path)
