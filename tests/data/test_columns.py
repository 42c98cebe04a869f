import pytest

from recenv.data.columns import column_type, find_column, plain_name, resolve_columns


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["userId", "movieId", "rating"], {"user": "userId", "item": "movieId", "rating": "rating"}),
        (["uid", "iid", "Score"], {"user": "uid", "item": "iid", "rating": "Score"}),
        (["User ID", "item-id", "STARS"], {"user": "User ID", "item": "item-id", "rating": "STARS"}),
        (
            ["user_id:token", "item_id:token", "rating:float", "timestamp:float"],
            {
                "user": "user_id:token",
                "item": "item_id:token",
                "rating": "rating:float",
                "timestamp": "timestamp:float",
            },
        ),
    ],
)
def test_usual_spellings_are_recognised(names, expected):
    assert resolve_columns(names) == expected


def test_the_role_itself_wins_over_an_alias():
    assert resolve_columns(["user_id", "user", "item", "movie", "rating"])["user"] == "user"


def test_two_aliases_of_one_role_are_refused_with_the_remedy():
    with pytest.raises(ValueError, match=r"'user_id', 'uid' could each be the user.*columns=\{\"user\": \"user_id\"\}"):
        resolve_columns(["user_id", "uid", "item", "rating"])


def test_columns_overrides_the_spellings():
    assert resolve_columns(["shopper", "item", "rating"], {"user": "shopper"})["user"] == "shopper"
    typed = resolve_columns(["shopper:token", "item", "rating"], {"user": "shopper"})
    assert typed["user"] == "shopper:token"


def test_timestamps_can_be_ignored():
    assert "timestamp" not in resolve_columns(["user", "item", "rating", "date"], {"timestamp": None})


def test_a_missing_column_lists_what_there_is_and_the_nearest_name():
    with pytest.raises(ValueError, match=r"log.csv has no rating column; it has only 'user', 'item', 'raiting'; near"):
        resolve_columns(["user", "item", "raiting"], source="log.csv")


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"usr": "user"}, "columns has the key 'usr'; the keys are user, item, rating, timestamp"),
        ({"user": "usr"}, "columns says the user is 'usr', but the table has only 'user'.*nearest: 'user'"),
        ({"user": "item"}, "column 'item' of the table cannot be both the user and the item"),
    ],
)
def test_wrong_columns_are_refused(columns, message):
    with pytest.raises(ValueError, match=message):
        resolve_columns(["user", "item", "rating"], columns)


def test_a_column_that_is_there_twice_is_refused():
    with pytest.raises(ValueError, match="the table has 2 columns named 'item'"):
        resolve_columns(["user", "item", "item", "rating"])


def test_typed_headers_are_taken_apart_and_other_colons_are_kept():
    assert plain_name("user_id:token") == "user_id"
    assert column_type("genres:token_seq") == "token_seq"
    assert plain_name("gender:men") == "gender:men"
    assert column_type("gender:men") is None


def test_a_role_without_a_column_is_none():
    assert find_column(["a", "b"], "title") is None
