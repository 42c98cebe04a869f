import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_array_equal

from recenv.groups import Groups


def test_text_makes_a_group_of_each_value_and_one_of_what_is_missing():
    groups = Groups.of(np.array(["F", "M", None, "F"], object), "gender")
    assert groups.labels == ("(none)", "F", "M")
    assert_array_equal(groups.code, [1, 2, 0, 1])
    assert_array_equal(groups.shares, [0.25, 0.5, 0.25])


def test_few_numbers_are_values_in_their_order():
    groups = Groups.of([10, 9, 10, 2], "year")
    assert groups.labels == ("2", "9", "10")
    assert_array_equal(groups.code, [2, 1, 2, 0])


def test_many_numbers_are_quarters():
    groups = Groups.of(np.append(np.arange(100.0), np.nan), "age")
    assert groups.labels == ("(none)", "a: 0 to 24.75", "b: 24.75 to 49.5", "c: 49.5 to 74.25", "d: 74.25 to 99")
    assert_array_equal(np.bincount(groups.code), [1, 25, 25, 25, 25])


def test_truth_values_are_two_groups():
    assert Groups.of([True, False, True], "new").labels == ("0", "1")


def test_a_column_of_ids_is_refused():
    with pytest.raises(ValueError, match="'zip': 50 different values in 50 rows are no groups"):
        Groups.of([f"z{i}" for i in range(50)], "zip")


@pytest.mark.parametrize("code", [[0, 2], [-1, 0], [[0], [1]]])
def test_codes_need_labels(code):
    with pytest.raises(ValueError, match="need a list of codes 0 to 1"):
        Groups("g", ("a", "b"), np.array(code))


def test_no_rows_are_refused():
    with pytest.raises(ValueError, match="need one value a row"):
        Groups.of([], "g")


def test_every_kind_of_missing_value_is_one_group():
    for column in ([1, None, 2, 1], [1, np.nan, 2, 1]):
        assert Groups.of(pd.Series(column, dtype="Int64"), "half").labels == ("1", "2", "(none)")
    assert_array_equal(Groups.of(pd.Series(["a", pd.NA, "b", "a"], dtype="string"), "tag").code, [1, 0, 2, 1])


def test_infinite_numbers_are_in_the_outer_quarters():
    code = Groups.of(np.concatenate([np.arange(100.0), [np.inf, -np.inf]]), "score").code
    assert (code[100], code[101]) == (code[99], code[0])


def test_a_column_that_is_mostly_its_lowest_number_is_cut_there():
    groups = Groups.of(np.concatenate([np.zeros(1000), np.arange(1, 21)]), "purchases")
    assert_array_equal(np.bincount(groups.code), [1000, 20])
