import numpy as np
import pytest
from numpy.testing import assert_array_equal

from recenv.agents.replay import Column, Replay


def rows(*values):
    return {"a": np.array(values), "b": np.array([[value, -value] for value in values], float)}


@pytest.fixture
def replay():
    return Replay(4, {"a": Column((), np.int64), "b": Column((2,), np.float64)})


def kept(replay):
    return sorted(replay.arrays("")["a"].tolist())


def test_the_oldest_rows_are_overwritten(replay):
    replay.add(rows(1, 2, 3))
    replay.add(rows(4, 5))
    assert kept(replay) == [2, 3, 4, 5]


def test_of_more_rows_than_fit_the_last_ones_stay(replay):
    replay.add(rows(1))
    replay.add(rows(2, 3, 4, 5, 6, 7))
    assert kept(replay) == [4, 5, 6, 7]
    replay.add(rows(8))
    assert kept(replay) == [5, 6, 7, 8]


def test_a_sample_keeps_rows_together_and_sees_only_what_was_added(replay):
    replay.add(rows(3, 9))
    sample = replay.sample(100, np.random.default_rng(0))
    assert set(sample["a"].tolist()) == {3, 9}
    assert_array_equal(sample["b"][:, 0], sample["a"])


def test_a_restored_replay_goes_on_as_the_saved_one(replay):
    replay.add(rows(1, 2, 3, 4, 5))
    again = Replay(4, {"a": Column((), np.int64), "b": Column((2,), np.float64)})
    again.restore(replay.arrays("r."), "r.")
    for one in (replay, again):
        one.add(rows(6))
    assert_array_equal(again.arrays("")["b"], replay.arrays("")["b"])
    assert kept(again) == [3, 4, 5, 6]


def test_rows_of_another_shape_are_refused_before_anything_is_written(replay):
    replay.add(rows(1))
    with pytest.raises(ValueError, match="column 'b' keeps rows of shape"):
        replay.add({"a": np.array([2]), "b": np.zeros((1, 3))})
    assert kept(replay) == [1]


def test_saved_rows_of_another_shape_are_refused(replay):
    with pytest.raises(ValueError, match="'b' has shape"):
        replay.restore({"a": np.zeros(1, int), "b": np.zeros((1, 3)), "position": np.array(1)}, "")
