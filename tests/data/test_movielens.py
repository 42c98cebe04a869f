import pandas as pd
import pytest

from recenv.data import RatingsLog, data_set
from recenv.data.locating import find
from recenv.data.movielens import load_ml_1m, load_ml_100k, load_ml_latest_small


def test_ml_100k_files_give_genres_years_and_users(tmp_path):
    inter = "user_id:token\titem_id:token\trating:float\ttimestamp:float\n10\t2\t3\t20\n9\t10\t4\t10\n9\t2\t5\t30\n"
    item = (
        "item_id:token\tmovie_title:token_seq\trelease_year:token\tclass:token_seq\n"
        '2\tToy "Story"\t1995\tAnimation Children\'s Film-Noir\n10\tOther\t\tunknown\n'
    )
    user = "user_id:token\tage:token\tgender:token\toccupation:token\tzip_code:token\n9\t30\tF\tartist\t01234\n"
    for part, text in (("inter", inter), ("item", item), ("user", user + "10\t20\tM\tother\t5\n")):
        (tmp_path / f"ml-100k.{part}").write_text(text, encoding="utf-8")
    log = load_ml_100k(tmp_path)
    assert log.titles == ('Toy "Story"', "Other")
    assert log.genres == (("Animation", "Children's", "Film-Noir"), ())
    assert log.item_features["year"].tolist()[0] == 1995
    assert log.user_features.to_dict("list") == {
        "age": [30, 20],
        "gender": ["F", "M"],
        "occupation": ["artist", "other"],
        "zip_code": ["01234", "5"],
    }
    assert log.rating.tolist() == [4, 3, 5]


def test_ml_1m_files_lose_the_user_prefix_and_unrated_items(tmp_path):
    inter = "user_id:token\titem_id:token\trating:float\ttimestamp:float\n1m_10\tB (1990)\t3\t1\n1m_9\tA (1980)\t4\t2\n"
    item = (
        "item_id:token\tmovie_title:token\trelease_year:float\tgenre:token\n"
        "A (1980)\tA\t1980\tDrama War\nB (1990)\tB\t1990\tSci-Fi\nC (1995)\tC\t1995\tDrama\n"
    )
    user = "user_id:token\tage:float\tgender:token\toccupation:float\n1m_9\t1\tF\t3\n1m_10\t56\tM\t4\n"
    for part, text in (("inter", inter), ("item", item), ("user", user)):
        (tmp_path / f"ml-1m.{part}").write_text(text.replace("\n", "\r\n"), encoding="utf-8", newline="")
    log = load_ml_1m(tmp_path)
    assert log.user_ids.tolist() == ["9", "10"]
    assert log.item_ids.tolist() == ["A (1980)", "B (1990)"]
    assert log.genres == (("Drama", "War"), ("Sci-Fi",))
    assert log.user_features["age"].tolist() == [1, 56]
    assert log.user_features["occupation"].tolist() == ["3", "4"]


def test_latest_small_is_read_with_and_without_its_items(tmp_path):
    ratings = {"user_id": [1, 2], "item_id": [7, 8], "rating": [0.5, 5.0], "timestamp": [1, 2]}
    pd.DataFrame(ratings).to_parquet(tmp_path / "ratings.parquet")
    assert load_ml_latest_small(tmp_path).titles == ()
    items = {"item_id": [7, 8, 9], "title": ["A", "B", "C"], "genres": ["War|Drama", "(no genres listed)", "War"]}
    pd.DataFrame(items | {"imdbId": ["1", "2", "3"]}).to_parquet(tmp_path / "items.parquet")
    log = load_ml_latest_small(tmp_path)
    assert log.titles == ("A", "B")
    assert log.genres == (("War", "Drama"), ())
    assert log.item_features is None


@pytest.mark.parametrize("name", ["ml-100k", "ml-1m"])
def test_the_real_set_has_the_published_counts(name):
    entry = data_set(name)
    if find(entry) is None:
        pytest.skip(f"{name} is not in the data home; recenv data fetch {name}")
    log = RatingsLog.load(name)
    assert (log.n_users, log.n_items, len(log)) == (entry.users, entry.items, entry.ratings)
    assert log.levels.tolist() == [1, 2, 3, 4, 5]
    assert len({genre for item in log.genres for genre in item}) == 18
    expected = {
        "ml-100k": [6_110, 11_370, 27_145, 34_174, 21_201],
        "ml-1m": [56_174, 107_557, 261_197, 348_971, 226_310],
    }
    assert list(log.summary()["histogram"].values()) == expected[name]
