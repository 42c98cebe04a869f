import numpy as np
import pandas as pd
import pytest

from recenv.data.numeric import finite_numbers, seconds
from recenv.data.tables import FrameTable


def numbers(values):
    series = pd.Series(values)
    return finite_numbers(series, "rating", FrameTable(series.to_frame("rating")), "correct it")


def times(values):
    series = pd.Series(values)
    return seconds(series, "date", FrameTable(series.to_frame("date")))


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([1, 2], [1.0, 2.0]),
        (["1", " 2.5"], [1.0, 2.5]),
        ([True, False], [1.0, 0.0]),
        (pd.array([1, 2], dtype="Int64"), [1.0, 2.0]),
        (pd.Series(["4", "5"], dtype="category"), [4.0, 5.0]),
    ],
)
def test_numbers_in_any_form_are_read(values, expected):
    assert numbers(values).tolist() == expected
    assert numbers(values).dtype == np.float64


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (["1", "good", "bad"], r"row 1, column 'rating': 'good' is not a number \(2 such rows\); correct it"),
        (["1", ""], "row 1, column 'rating': the value is empty; correct it"),
        ([1.0, np.nan], "row 1, column 'rating': the value is empty"),
        (pd.array([1, None], dtype="Int64"), "row 1, column 'rating': the value is empty"),
        ([1.0, -np.inf], "row 1, column 'rating': -inf is not finite"),
        (["1", "inf"], "row 1, column 'rating': inf is not finite"),
        (["1", "3,5"], "'3,5' is not a number"),
        ([1.0, 2j], "holds complex numbers"),
        (pd.to_datetime(["2020-01-01", "2020-01-02"]), "holds dates"),
    ],
)
def test_what_is_no_finite_number_is_refused_with_its_row(values, message):
    with pytest.raises(ValueError, match=message):
        numbers(values)


def test_whole_timestamps_are_integers_and_others_floats():
    assert times([3, 4]).dtype == np.int64
    assert times(["3.5", "4"]).tolist() == [3.5, 4.0]


@pytest.mark.parametrize(
    "values",
    [
        ["1970-01-02", "1970-01-01T00:00:01Z"],
        pd.Series(pd.to_datetime([86_400, 1], unit="s")),
        pd.Series(pd.to_datetime([86_400, 1], unit="s", utc=True)),
    ],
)
def test_dates_become_seconds_since_1970(values):
    assert times(values).tolist() == [86_400, 1]


def test_a_broken_date_is_named_with_its_row():
    with pytest.raises(ValueError, match="row 1, column 'date': 'yesterday' is not a number; give a number or an ISO"):
        times(["2020-01-01", "yesterday"])
