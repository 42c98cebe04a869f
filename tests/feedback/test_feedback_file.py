import itertools

import numpy as np
import pandas as pd
import pytest

from recenv.feedback import LoggedFeedback


@pytest.fixture
def path(make_log, tmp_path):
    make_log().save(tmp_path / "log.parquet")
    return tmp_path / "log.parquet"


@pytest.mark.parametrize("rows", [1, 2, 3, 4, 100])
def test_blocks_are_the_log_and_cut_no_episode(make_log, path, rows):
    blocks = list(LoggedFeedback.stream(path).iter_blocks(rows))
    for name, array in make_log().arrays():
        np.testing.assert_array_equal(np.concatenate([dict(block.arrays())[name] for block in blocks]), array)
    assert all(block.episode[-1] < after.episode[0] for block, after in itertools.pairwise(blocks))
    assert {block.n_items for block in blocks} == {4}


def test_size_users_and_catalogue_come_without_reading_it_all(path):
    file = LoggedFeedback.stream(path)
    assert (len(file), file.n_items) == (6, 4)
    assert file.user.tolist() == [7, 7, 8, 8, 9, 9]


def test_a_foreign_file_gets_the_same_defaults_as_when_read_whole(tmp_path):
    pd.DataFrame({"item": [0, 4, 1], "reward": [0.0, 1.0, 1.0]}).to_parquet(tmp_path / "log.parquet")
    file = LoggedFeedback.stream(tmp_path / "log.parquet")
    blocks = list(file.iter_blocks(2))
    assert [block.user.tolist() for block in blocks] == [[0, 1], [2]]
    assert file.user.tolist() == [0, 1, 2]
    assert {block.n_items for block in blocks} == {5}


def test_the_catalogue_of_a_foreign_file_counts_candidates(tmp_path):
    table = pd.DataFrame({"item": [0, 1], "reward": [0.0, 1.0], "candidates": [[0, 8], [1, 2]]})
    table.to_parquet(tmp_path / "log.parquet")
    assert LoggedFeedback.stream(tmp_path / "log.parquet").n_items == 9


def test_episodes_out_of_order_are_refused(tmp_path):
    table = pd.DataFrame({"item": [0, 1, 2], "reward": [0.0] * 3, "episode": [0, 1, 0], "step": [0, 0, 1]})
    table.to_parquet(tmp_path / "log.parquet")
    with pytest.raises(ValueError, match="sort the file by episode"):
        list(LoggedFeedback.stream(tmp_path / "log.parquet").iter_blocks(1))


def test_a_missing_column_is_named(tmp_path):
    pd.DataFrame({"reward": [0.0]}).to_parquet(tmp_path / "log.parquet")
    with pytest.raises(ValueError, match="has no column 'item'"):
        _ = LoggedFeedback.stream(tmp_path / "log.parquet").n_items


def test_a_bad_row_in_a_later_block_says_where_the_block_begins(tmp_path):
    table = pd.DataFrame({"item": [0, 1, 2, 0], "reward": [0.0, 1.0, 1.0, np.nan]})
    table.to_parquet(tmp_path / "log.parquet")
    with pytest.raises(ValueError, match=r"from row 2 of the file: reward must be a finite number; row 1 has nan"):
        list(LoggedFeedback.stream(tmp_path / "log.parquet").iter_blocks(2))
