import numpy as np
import pandas as pd
import pytest

from recenv.data import RatingsLog
from recenv.data.side_tables import split_genres, tidy_features


def test_missing_rows_are_filled_and_unknown_ones_left_out(frame):
    items = pd.DataFrame(
        {"iid": ["a", "z"], "name": ["First", "Last"], "genre": ["x", "y"], "stock": [7, 8], "new": [True, False]}
    )
    log = RatingsLog.from_frame(frame, items=items)
    assert log.titles == ("First", "b", "c")
    assert log.genres == (("x",), (), ())
    np.testing.assert_array_equal(log.item_features["stock"], [7.0, np.nan, np.nan])
    np.testing.assert_array_equal(log.item_features["new"], [1.0, np.nan, np.nan])


def test_tables_can_be_files(frame, write):
    items = write("item,title,zip\nb,Second,012\na,First,34\nc,Third,5\n", "items.csv")
    log = RatingsLog.from_frame(frame, items=items)
    assert log.titles == ("First", "Second", "Third")


def test_typed_headers_give_the_types_of_features(frame, write):
    users = write("user_id:token\tage:float\tzip_code:token\n2\t20\t012\n9\t90\t34\n10\t10\t5\n", "log.user")
    features = RatingsLog.from_frame(frame, users=users).user_features
    assert features["zip_code"].tolist() == ["012", "34", "5"]
    assert features["age"].tolist() == [20, 90, 10]


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ({"item": ["a", "a"], "title": ["x", "y"]}, r"row 1, column 'item': 'a' has a row already \(row 0\)"),
        ({"item": ["x"], "title": ["y"]}, "holds none of the log's items: .* ids such as 'x', the ratings such as 'a'"),
        ({"thing": ["a"]}, "has no item column, only .*name the column of ids 'item'"),
    ],
)
def test_tables_that_do_not_fit_are_refused(frame, table, message):
    with pytest.raises(ValueError, match=message):
        RatingsLog.from_frame(frame, items=pd.DataFrame(table))


def test_a_table_with_two_equal_columns_is_refused(frame):
    items = pd.DataFrame([["a", 1, 2]], columns=["item", "x", "x"])
    with pytest.raises(ValueError, match="two columns named 'x'"):
        RatingsLog.from_frame(frame, items=items)


@pytest.mark.parametrize(
    ("cells", "spaces", "expected"),
    [
        (["Drama|Film-Noir", "War"], False, (("Drama", "Film-Noir"), ("War",))),
        (["Drama, War", "War"], False, (("Drama", "War"), ("War",))),
        (["Children's Comedy"], True, (("Children's", "Comedy"),)),
        (["Science Fiction"], False, (("Science Fiction",),)),
        ([["a", "b"], ("c",), np.array(["d"])], False, (("a", "b"), ("c",), ("d",))),
        (["(no genres listed)", None, np.nan, ""], False, ((), (), (), ())),
        (["a|a|b"], False, (("a", "b"),)),
    ],
)
def test_genres_are_split_by_what_separates_them(cells, spaces, expected):
    assert split_genres(cells, spaces=spaces) == expected


def test_features_become_numbers_or_text():
    frame = pd.DataFrame(
        {
            "int8": np.array([1, 2], dtype=np.int8),
            "flag": [True, False],
            "gap": pd.array([1, None], dtype="Int16"),
            "text": ["a", None],
        }
    )
    tidied = tidy_features(frame)
    assert [str(kind) for kind in tidied.dtypes] == ["int64", "int64", "float64", "str"]
    assert tidied["text"].tolist() == ["a", ""]


def test_no_column_means_no_features():
    assert tidy_features(pd.DataFrame(index=[0, 1])) is None
