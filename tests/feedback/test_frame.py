import numpy as np
import pandas as pd
import pytest

from recenv.feedback import LoggedFeedback


def frame(**changes):
    return pd.DataFrame({"item": [0, 2, 1], "reward": [1.0, 0.0, 1.0], "propensity": [0.2, 0.5, 0.3], **changes})


def test_three_columns_are_enough():
    log = LoggedFeedback.from_frame(frame())
    assert log.episode.tolist() == [0, 1, 2]
    assert log.user.tolist() == [0, 1, 2]
    assert log.step.tolist() == [0, 0, 0]
    assert log.truncated.tolist() == [True, True, True]
    assert (log.n_items, log.propensity_kind) == (3, "logged")


def test_steps_follow_the_order_of_rows_and_an_episode_is_a_user():
    log = LoggedFeedback.from_frame(frame(episode=[4, 9, 4]))
    assert log.episode.tolist() == [4, 4, 9]
    assert log.item.tolist() == [0, 1, 2]
    assert log.step.tolist() == [0, 1, 0]
    assert log.user.tolist() == [4, 4, 9]
    assert log.truncated.tolist() == [False, True, True]


def test_text_labels_of_users_are_numbered():
    log = LoggedFeedback.from_frame(frame(user=["u2", "u1", "u2"]))
    assert log.user.tolist() == [1, 0, 1]


def test_without_propensities_the_kind_is_missing():
    assert LoggedFeedback.from_frame(frame().drop(columns="propensity")).propensity_kind == "missing"


def test_columns_are_renamed_and_features_stacked():
    table = frame().rename(columns={"reward": "click"}).assign(age=[1, 2, 3], tenure=[4.5, 5, 6])
    log = LoggedFeedback.from_frame(table, columns={"reward": "click"}, observation=["age", "tenure"], n_items=9)
    np.testing.assert_array_equal(log.observation["features"], np.float32([[1, 4.5], [2, 5], [3, 6]]))
    assert log.n_items == 9


def test_list_columns_become_matrices():
    table = frame()
    table["observation.features"] = [[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]
    table["candidates"] = [[0, 1], [2, -1], [1, 2]]
    log = LoggedFeedback.from_frame(table)
    np.testing.assert_array_equal(log.observation["features"], [[1, 2], [3, 4], [5, 6]])
    np.testing.assert_array_equal(log.candidates, [[0, 1], [2, -1], [1, 2]])


def test_unequal_lists_are_refused_with_the_row():
    table = frame()
    table["candidates"] = [[0, 1], [2], [1, 2]]
    with pytest.raises(ValueError, match=r"candidates must have equally long lists; row 1"):
        LoggedFeedback.from_frame(table)


@pytest.mark.parametrize(
    ("table", "options", "message"),
    [
        (frame().drop(columns="reward"), {}, r"column 'reward' is missing; there are: item, propensity"),
        (frame().rename(columns={"item": "item_id"}), {}, r"columns=\{\"item\": \"item_id\"\}"),
        (frame(), {"columns": {"reward": "clicks"}}, r"no such column"),
        (frame(), {"columns": {"rewrd": "reward"}}, r"which a log does not have"),
        (frame(), {"observation": ["age"]}, r"observation names 'age'"),
        (frame(reward=["1", "many", "0"]), {}, r"reward must be a number; row 1 has 'many'"),
        (frame().iloc[:0], {}, r"the log is empty"),
    ],
)
def test_bad_tables_are_refused(table, options, message):
    with pytest.raises(ValueError, match=message):
        LoggedFeedback.from_frame(table, **options)
