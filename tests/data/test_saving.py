import json

import numpy as np
import pandas as pd
import pytest

from recenv.data import RatingsLog, load_log


def test_a_log_comes_back_as_it_was_saved(log, tmp_path):
    log.save(tmp_path / "log")
    again = RatingsLog.load_saved(tmp_path / "log")
    for field in ("user", "item", "rating", "timestamp", "user_ids", "item_ids", "levels"):
        np.testing.assert_array_equal(getattr(again, field), getattr(log, field))
        assert getattr(again, field).dtype == getattr(log, field).dtype
    assert (again.name, again.titles, again.genres) == (log.name, log.titles, log.genres)
    pd.testing.assert_frame_equal(again.item_features, log.item_features)
    pd.testing.assert_frame_equal(again.user_features, log.user_features)
    assert again.fingerprint == log.fingerprint


def test_a_log_without_tables_comes_back(frame, tmp_path):
    RatingsLog.from_frame(frame.drop(columns="timestamp")).save(tmp_path / "log")
    again = load_log(tmp_path / "log")
    assert (again.timestamp, again.titles, again.genres, again.item_features) == (None, (), (), None)


def test_genres_that_are_all_empty_come_back(frame, tmp_path):
    items = pd.DataFrame({"item": ["a", "b", "c"], "genres": ["", "", ""]})
    RatingsLog.from_frame(frame, items=items).save(tmp_path / "log")
    assert RatingsLog.load_saved(tmp_path / "log").genres == ((), (), ())


def test_a_part_keeps_what_it_shares(log, tmp_path):
    log.subset([0]).save(tmp_path / "log")
    again = RatingsLog.load_saved(tmp_path / "log")
    assert (len(again), again.n_users, again.levels.tolist()) == (1, 3, [1, 3, 4, 5])


def test_damage_and_newer_formats_are_refused(log, tmp_path):
    log.save(tmp_path / "log")
    header = tmp_path / "log" / "ratings_log.json"
    meta = json.loads(header.read_text())
    header.write_text(json.dumps(meta | {"format_version": 99}))
    with pytest.raises(ValueError, match="written by a newer recenv"):
        RatingsLog.load_saved(tmp_path / "log")
    header.write_text(json.dumps(meta))
    arrays = tmp_path / "log" / "arrays.npz"
    arrays.write_bytes(arrays.read_bytes()[:-10])
    with pytest.raises(ValueError, match="truncated or altered"):
        RatingsLog.load_saved(tmp_path / "log")


def test_another_folder_is_not_a_log(tmp_path):
    with pytest.raises(FileNotFoundError, match="is not a saved ratings_log"):
        RatingsLog.load_saved(tmp_path)
