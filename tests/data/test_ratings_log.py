import dataclasses
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

from recenv.data import RatingsLog


def test_rows_are_in_time_order_and_ties_in_file_order(log):
    assert log.timestamp.tolist() == [10, 10, 20, 40, 50]
    assert log.user_ids.tolist() == ["2", "9", "10"]
    assert log.item_ids.tolist() == ["a", "b", "c"]
    assert log.user.tolist() == [1, 1, 2, 2, 0]
    assert log.item.tolist() == [0, 1, 0, 1, 2]
    assert log.rating.tolist() == [3, 3, 4, 5, 1]
    assert log.levels.tolist() == [1, 3, 4, 5]
    assert (log.n_users, log.n_items, log.n_ratings, len(log)) == (3, 3, 5, 5)


def test_many_equal_times_keep_the_file_order():
    pairs = pd.DataFrame({"user": np.repeat(range(30), 30), "item": np.tile(range(30), 30)})
    log = RatingsLog.from_frame(pairs.assign(rating=range(900), timestamp=[1] * 450 + [0] * 450))
    assert log.rating.tolist() == [*range(450, 900), *range(450)]


def test_without_timestamps_rows_stay_in_file_order(frame):
    log = RatingsLog.from_frame(frame.drop(columns="timestamp"))
    assert log.timestamp is None
    assert log.rating.tolist() == [5, 3, 4, 1, 3]


def test_tables_are_aligned_to_the_codes(log):
    assert log.titles == ("First", "Second", "Third")
    assert log.genres == ((), ("y",), ("x", "y"))
    assert log.item_features.to_dict("list") == {"price": [1.0, 2.0, 3.5], "brand": ["p", "p", "q"]}
    assert log.user_features.to_dict("list") == {"age": [20, 90, 100]}


def test_the_record_is_immutable(log):
    with pytest.raises(dataclasses.FrozenInstanceError):
        log.name = "other"
    for array in (log.user, log.item, log.rating, log.timestamp, log.user_ids, log.item_ids, log.levels):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = array[1]


def test_the_callers_frame_and_arrays_stay_as_they_are(frame):
    before = frame.copy()
    rating = np.array([1.0, 2.0])
    RatingsLog.from_frame(frame)
    log = RatingsLog(
        name="direct", user=[0, 1], item=[0, 1], rating=rating, user_ids=["a", "b"], item_ids=["c", "d"], levels=[1, 2]
    )
    rating[0] = 1.0  # still writable
    assert len(log) == 2
    pd.testing.assert_frame_equal(frame, before)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"user": [0, 3, 0, 0, 0]}, r"user must be a code in 0\.\.2; row 1 has 3"),
        ({"item": [0, -1, 0, 0, 0]}, r"item must be a code in 0\.\.2; row 1 has -1"),
        ({"rating": [1.0, np.nan, 1, 1, 1]}, "rating must be finite; row 1 has nan"),
        ({"rating": [1.0]}, r"rating has shape \(1,\); it needs one entry a rating, \(5,\)"),
        ({"titles": ("one",)}, "titles has 1 entries; it needs one an item, 3"),
        ({"user_features": pd.DataFrame({"age": [1]})}, "user_features has 1 rows; it needs one a user, 3"),
    ],
)
def test_a_record_that_does_not_fit_is_refused(log, change, message):
    with pytest.raises(ValueError, match=message):
        dataclasses.replace(log, **change)


def test_a_repeated_pair_in_a_frame_names_both_rows_and_their_labels(frame):
    frame = pd.concat([frame, frame.iloc[[2]]]).set_axis(list("uvwxyz"))
    with pytest.raises(
        ValueError,
        match=r"row 5 \(index 'z'\): user '10' has rated item 'a' already \(row 2 \(index 'w'\)\).*\['user', 'item'\]",
    ):
        RatingsLog.from_frame(frame)


def test_repeated_pairs_are_refused_whatever_their_rating_and_time(frame):
    frame.loc[4, ["user", "item", "rating", "timestamp"]] = [10, "b", 1, 99]
    with pytest.raises(ValueError, match="row 4: user '10' has rated item 'b' already"):
        RatingsLog.from_frame(frame)


@pytest.mark.parametrize("wrong", [3, "ratings.csv", None])
def test_what_is_no_frame_is_refused(wrong):
    with pytest.raises(TypeError, match="ratings must be a pandas DataFrame"):
        RatingsLog.from_frame(wrong)


def test_an_empty_frame_says_so():
    with pytest.raises(ValueError, match="has no user column; it has no columns"):
        RatingsLog.from_frame(pd.DataFrame())


def test_a_subset_keeps_codes_tables_and_levels(log):
    part = log.subset([4, 0])
    assert part.rating.tolist() == [3, 1]
    assert part.timestamp.tolist() == [10, 50]
    assert part.user.tolist() == [1, 0]
    assert part.n_users == 3
    assert part.levels.tolist() == log.levels.tolist()
    assert part.titles == log.titles
    mask = np.array([True, False, False, False, True])
    assert log.subset(mask).rating.tolist() == [3, 1]
    assert len(log.subset(np.zeros(5, dtype=bool))) == 0


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([0, 5], r"rows must be in 0\.\.4; got 0 to 5"),
        ([-1], r"rows must be in 0\.\.4"),
        ([1, 1], "rows names row 1 twice"),
        ([True], r"rows is a mask of shape \(1,\)"),
    ],
)
def test_wrong_rows_are_refused(log, rows, message):
    with pytest.raises(ValueError, match=message):
        log.subset(rows)


def test_one_users_ratings_are_found_by_original_id(log):
    assert log.of_user(10).rating.tolist() == [4, 5]
    assert log.of_user("10").rating.tolist() == [4, 5]
    with pytest.raises(ValueError, match="user_id '11' is not a user of small"):
        log.of_user(11)


def test_a_continuous_scale_becomes_levels_of_equal_width():
    frame = pd.DataFrame({"user": range(6), "item": [0, 1] * 3, "rating": [-10.0, -8.01, -8.0, 0.0, 9.99, 10.0]})
    log = RatingsLog.from_frame(frame).discretise(10)
    assert log.rating.tolist() == [1, 1, 2, 6, 10, 10]
    assert log.levels.tolist() == [1, 2, 6, 10]


def test_levels_of_parts_agree_with_those_of_the_whole():
    rng = np.random.default_rng(0)
    pairs = pd.DataFrame({"user": np.repeat(range(20), 20), "item": np.tile(range(20), 20)})
    log = RatingsLog.from_frame(pairs.assign(rating=rng.uniform(-3, 7, 400)))
    rows = np.argsort(log.rating)[100:150]  # neither the lowest nor the highest
    part = log.subset(rows).discretise(5)
    assert part.rating.tolist() == log.discretise(5).subset(rows).rating.tolist()
    assert part.levels.tolist() == [1, 2, 3, 4, 5]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"levels": 1}, "levels must be at least 2; got 1"),
        ({"bounds": (2.0, 5.0)}, r"bounds \(2.0, 5.0\) must hold all ratings: 1.0 to 5.0"),
        ({"levels": 2, "bounds": (0.0, 100.0)}, "put every rating into level 1: choose narrower ones"),
    ],
)
def test_levels_that_cannot_be_made_are_refused(log, options, message):
    with pytest.raises(ValueError, match=message):
        log.discretise(**options)


def test_the_frame_leads_back_to_the_same_log(log):
    again = RatingsLog.from_frame(log.frame())
    assert again.frame().equals(log.frame())
    assert again.user_ids.tolist() == log.user_ids.tolist()


def test_importing_the_package_loads_no_pandas():
    code = "import sys, recenv.data; sys.exit('pandas' in sys.modules or 'pyarrow' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_it_introduces_itself(log):
    assert repr(log) == "RatingsLog('small': 3 users x 3 items, 5 ratings)"
