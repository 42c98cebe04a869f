"""Text in `episode`, `user` and `logger` means the same from a table, a whole file and a stream."""

import numpy as np
import pandas as pd
import pytest

from recenv.feedback import LoggedFeedback
from recenv.ope import evaluate


def table(kind="object"):
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(
        {
            "episode": [f"e{i // 2:03d}" for i in range(200)],
            "user": [f"ü{u}" for u in rng.integers(0, 30, 200)],
            "item": rng.integers(0, 4, 200),
            "reward": rng.random(200),
            "propensity": 0.25,
            "logger": rng.choice(["new", "Old"], 200),
        }
    )
    return frame.astype(dict.fromkeys(("episode", "user", "logger"), kind))


@pytest.fixture(params=["object", "category", "string"])
def path(request, tmp_path):
    table(request.param).to_parquet(tmp_path / "log.parquet", row_group_size=17)
    return tmp_path / "log.parquet"


class Skewed:
    def probabilities(self, request):
        return np.tile([0.4, 0.3, 0.2, 0.1], (len(request.candidates), 1))


@pytest.mark.parametrize("rows", [1, 7, 64, 1000])
def test_a_stream_numbers_text_as_a_table_does(path, rows):
    log, file = LoggedFeedback.from_frame(table()), LoggedFeedback.stream(path)
    blocks = list(file.iter_blocks(rows))
    for name, array in log.arrays():
        np.testing.assert_array_equal(np.concatenate([dict(block.arrays())[name] for block in blocks]), array)
    np.testing.assert_array_equal(file.user, log.user)
    assert file.meta == log.meta == {"loggers": ["Old", "new"]}


def test_a_whole_parquet_file_numbers_text_as_a_table_does(path):
    read = dict(LoggedFeedback.read(path).arrays())
    for name, array in LoggedFeedback.from_frame(table()).arrays():
        np.testing.assert_array_equal(read[name], array)


def test_estimates_and_intervals_do_not_depend_on_the_form_of_the_log(path, tmp_path):
    table().to_csv(tmp_path / "log.csv", index=False)
    tables = [
        evaluate(log, {"skewed": Skewed()}, replicates=50, progress=False).table
        for log in (LoggedFeedback.from_frame(table()), path, tmp_path / "log.csv")
    ]
    pd.testing.assert_frame_equal(tables[0], tables[1])
    pd.testing.assert_frame_equal(tables[0], tables[2])


def test_a_renamed_text_column_is_numbered_too(tmp_path):
    table().rename(columns={"user": "customer"}).to_parquet(tmp_path / "log.parquet")
    file = LoggedFeedback.stream(tmp_path / "log.parquet", columns={"user": "customer"})
    np.testing.assert_array_equal(file.user, LoggedFeedback.from_frame(table()).user)


def test_a_missing_label_is_refused_with_the_row_of_the_file(tmp_path):
    frame = table()
    frame.loc[123, "user"] = None
    frame.to_parquet(tmp_path / "log.parquet", row_group_size=10)
    for read in (LoggedFeedback.stream, LoggedFeedback.read):
        with pytest.raises(ValueError, match=r"user must not be missing; row 123 has None: fill it in, or drop"):
            read(tmp_path / "log.parquet")
    with pytest.raises(ValueError, match=r"user must not be missing; row 123 has"):
        LoggedFeedback.from_frame(frame)


def test_text_that_is_no_label_is_refused_with_row_and_value(tmp_path):
    table().astype({"item": str}).assign(item=lambda rows: "i" + rows["item"]).to_parquet(tmp_path / "log.parquet")
    with pytest.raises(ValueError, match=r"item must be a number; row 0 has 'i\d': encode it as numbers first"):
        _ = LoggedFeedback.stream(tmp_path / "log.parquet").n_items


def test_dates_are_refused_as_users():
    frame = table().assign(user=pd.Timestamp("2020-01-01"))
    with pytest.raises(ValueError, match=r"user must be a number; row 0 has 2020-01-01T.*: encode it as numbers first"):
        LoggedFeedback.from_frame(frame)
