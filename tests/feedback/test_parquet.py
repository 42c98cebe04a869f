import json

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from recenv.feedback import LoggedFeedback


def assert_equal(left, right):
    mine, theirs = dict(left.arrays()), dict(right.arrays())
    assert mine.keys() == theirs.keys()
    for name, array in mine.items():
        np.testing.assert_array_equal(array, theirs[name])
        assert array.dtype == theirs[name].dtype, name
    assert (left.n_items, left.meta, left.propensity_kind) == (right.n_items, right.meta, right.propensity_kind)


def full(make_log):
    return make_log(
        observation={"history": np.arange(36).reshape(6, 3, 2), "features": np.ones((6, 2), dtype=np.float32)},
        next_observation={"features": np.zeros((6, 2), dtype=np.float32)},
        candidates=[[0, 1, 2, 3, -1]] * 6,
        propensity_prefix=np.full(6, 0.5),
        meta={"world": "small", "seed": np.int64(3), "repeat": True},
    )


def test_what_is_saved_is_what_is_read(make_log, tmp_path):
    log = full(make_log)
    log.save(tmp_path / "log.parquet")
    assert_equal(LoggedFeedback.read(tmp_path / "log.parquet"), log)
    assert [path.name for path in tmp_path.iterdir()] == ["log.parquet"]


@pytest.mark.parametrize("changes", [{"observation": {}}, {"observation": {"features": np.zeros((6, 0), np.float32)}}])
def test_empty_observations_survive(make_log, tmp_path, changes):
    log = make_log(**changes)
    log.save(tmp_path / "log.parquet")
    assert_equal(LoggedFeedback.read(tmp_path / "log.parquet"), log)


def test_missing_and_estimated_propensities_survive(make_log, tmp_path):
    for log in (make_log(propensity=[np.nan] * 6), make_log(propensity_kind="estimated")):
        log.save(tmp_path / "log.parquet")
        assert LoggedFeedback.read(tmp_path / "log.parquet").propensity_kind == log.propensity_kind


def test_a_foreign_parquet_file_is_read(tmp_path):
    table = pd.DataFrame({"item": [0, 1], "click": [1, 0], "propensity": [0.5, 0.5], "note": ["a", "b"]})
    table["observation.features"] = [[1.0, 2.0], [3.0, 4.0]]
    table.to_parquet(tmp_path / "log.parquet")
    log = LoggedFeedback.read(tmp_path / "log.parquet", columns={"reward": "click"}, n_items=5)
    assert log.reward.tolist() == [1.0, 0.0]
    np.testing.assert_array_equal(log.observation["features"], [[1, 2], [3, 4]])
    assert log.n_items == 5


def test_a_csv_file_is_read(tmp_path):
    path = tmp_path / "log.csv"
    path.write_text("item,reward,propensity,age\n0,1,0.5,30\n1,0,0.5,40\n")
    log = LoggedFeedback.read(path, observation=["age"])
    assert log.observation["features"].tolist() == [[30.0], [40.0]]


def test_a_truncated_file_is_refused(make_log, tmp_path):
    path = tmp_path / "log.parquet"
    make_log().save(path)
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(ValueError, match="truncated or not a Parquet file"):
        LoggedFeedback.read(path)


def test_a_missing_file_is_named(tmp_path):
    for name in ("log.parquet", "log.csv"):
        with pytest.raises(FileNotFoundError, match="is not there"):
            LoggedFeedback.read(tmp_path / name)


@pytest.mark.parametrize(
    ("change", "message"),
    [({"format_version": 99}, "newer recenv"), ({"kind": "world"}, "is a world, not logged feedback")],
)
def test_other_kinds_and_newer_formats_are_refused(make_log, tmp_path, change, message):
    path = tmp_path / "log.parquet"
    make_log().save(path)
    table = pq.read_table(path)
    header = {**json.loads(table.schema.metadata[b"recenv"]), **change}
    pq.write_table(table.replace_schema_metadata({b"recenv": json.dumps(header).encode()}), path)
    with pytest.raises(ValueError, match=message):
        LoggedFeedback.read(path)


def test_metadata_that_json_cannot_hold_leaves_no_file(make_log, tmp_path):
    with pytest.raises(TypeError, match="meta holds"):
        make_log(meta={"policy": object()}).save(tmp_path / "log.parquet")
    assert not list(tmp_path.iterdir())


def test_unequal_lists_in_parquet_are_refused(tmp_path):
    table = pa.table({"item": [0, 1], "reward": [1.0, 0.0], "candidates": [[0, 1], [1]]})
    pq.write_table(table, tmp_path / "log.parquet")
    with pytest.raises(ValueError, match="candidates must have equally long lists"):
        LoggedFeedback.read(tmp_path / "log.parquet")
