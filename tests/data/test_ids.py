import numpy as np
import pandas as pd
import pytest

from recenv.data.ids import encode, natural_order
from recenv.data.tables import FrameTable


def coded(values):
    series = pd.Series(values)
    return encode(series, "user", FrameTable(series.to_frame("user")))


@pytest.mark.parametrize(
    ("values", "ids", "codes"),
    [
        ([10, 9, 2, 10], ["2", "9", "10"], [2, 1, 0, 2]),
        (["10", "9", "b"], ["10", "9", "b"], [0, 1, 2]),
        (["-3", "2", "-10"], ["-10", "-3", "2"], [1, 2, 0]),
        ([2.0, 10.0], ["2", "10"], [0, 1]),
        (["007", "7", "8"], ["007", "7", "8"], [0, 1, 2]),
        (pd.Series(["x", "y", "x"], dtype="category"), ["x", "y"], [0, 1, 0]),
        (pd.array([3, 1, 3], dtype="Int64"), ["1", "3"], [1, 0, 1]),
    ],
)
def test_codes_follow_the_natural_order_of_the_ids(values, ids, codes):
    found_codes, found_ids = coded(values)
    assert found_ids.tolist() == ids
    assert found_codes.tolist() == codes
    assert found_codes.dtype == np.int64


def test_a_number_and_its_text_are_one_id():
    codes, ids = coded(pd.Series([1, "1", 2], dtype=object))
    assert ids.tolist() == ["1", "2"]
    assert codes.tolist() == [0, 0, 1]


def test_numbers_beyond_64_bits_are_ordered_as_text():
    assert natural_order(np.array(["9" * 30, "1" * 31])).tolist() == [1, 0]


@pytest.mark.parametrize("empty", [None, np.nan, "", "  ", "NaN"])
def test_an_empty_id_is_refused_with_its_row(empty):
    with pytest.raises(ValueError, match="row 1, column 'user': the id is empty"):
        coded(pd.Series(["a", empty, "b"], dtype=object))


def test_a_text_too_long_to_be_an_id_is_refused():
    with pytest.raises(ValueError, match=r"row 1.*has 600 characters, an id at most 512; is this the right column"):
        coded(["a", "b" * 600])


def test_lists_are_no_ids():
    with pytest.raises(TypeError, match="column 'user' of the DataFrame holds no ids"):
        coded([[1], [2]])
