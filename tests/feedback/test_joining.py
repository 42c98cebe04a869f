"""Logs of several policies as one, and logs of numbers."""

import numpy as np
import pandas as pd
import pytest

from recenv import LoggedFeedback


def make(rows, **changes):
    frame = pd.DataFrame({"item": np.arange(rows) % 3, "reward": np.arange(rows) * 1.0, "propensity": 0.5})
    return LoggedFeedback.from_frame(frame.assign(**changes), n_items=3, meta={"world": "w", "seed": rows})


def test_parts_keep_their_rows_and_say_who_wrote_them(tmp_path):
    parts = {"a": make(3, user=[7, 7, 8], episode=[5, 5, 9]), "b": make(2, user=[8, 9], episode=[0, 1])}
    log = LoggedFeedback.joined(parts)
    assert log.logger.tolist() == [0, 0, 0, 1, 1]
    assert log.reward.tolist() == [0, 1, 2, 0, 1]
    assert log.user.tolist() == [7, 7, 8, 8, 9]
    assert len(np.unique(log.episode)) == 4
    assert (np.diff(log.episode) >= 0).all()
    assert log.meta == {"world": "w", "loggers": ["a", "b"]}
    log.save(tmp_path / "log.parquet")
    again = LoggedFeedback.read(tmp_path / "log.parquet")
    np.testing.assert_array_equal(again.logger, log.logger)
    assert again.meta["loggers"] == ["a", "b"]
    assert log.subset(slice(3, 5)).logger.tolist() == [1, 1]


def test_names_of_loggers_in_a_table_are_numbered_and_kept():
    log = make(4, logger=["new", "old", "new", "old"])
    assert log.logger.tolist() == [0, 1, 0, 1]
    assert log.meta["loggers"] == ["new", "old"]
    assert "loggers" not in make(2, logger=[0, 1]).meta


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        ({}, "parts is empty"),
        ({"a": make(2), "b": make(2, propensity=np.nan)}, "'a' and 'b' must have the same propensity_kind"),
        ({"a": make(2), "b": make(2, propensity_position=0.5)}, "must have the same columns"),
    ],
)
def test_parts_that_do_not_fit_are_refused(parts, message):
    with pytest.raises(ValueError, match=message):
        LoggedFeedback.joined(parts)


def test_a_negative_logger_is_refused():
    with pytest.raises(ValueError, match="logger must be at least 0; row 1 has -1"):
        make(2, logger=[0, -1])


def test_numbers_with_a_density_need_no_item():
    log = LoggedFeedback.from_frame(pd.DataFrame({"action": [0.5, 2.0], "density": [3.0, 0.1], "reward": [1.0, 0.0]}))
    assert log.action.tolist() == [0.5, 2.0]
    assert log.n_items == 1
    assert log.propensity_kind == "missing"


def test_an_action_without_a_density_is_somebodys_other_column():
    assert make(2, action=["buy", "sell"]).action is None
    with pytest.raises(ValueError, match="column 'item' is missing; there are: action, reward"):
        LoggedFeedback.from_frame(pd.DataFrame({"action": [0.5, 2.0], "reward": [1.0, 0.0]}))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"action": [0.0, np.inf]}, "action must be a finite number; row 1 has inf"),
        ({"density": [0.0, 1.0]}, r"density must be a positive number; row 0 has 0\.0"),
        ({"density": [1.0, np.nan]}, "density must be a positive number; row 1 has nan"),
    ],
)
def test_unusable_numbers_are_refused(changes, message):
    columns = {"action": [0.5, 2.0], "density": [3.0, 0.1], "reward": [1.0, 0.0]}
    with pytest.raises(ValueError, match=message):
        LoggedFeedback.from_frame(pd.DataFrame({**columns, **changes}))
