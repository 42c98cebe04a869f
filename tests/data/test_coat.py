import pandas as pd
import pytest

from recenv.data import load_coat


@pytest.fixture
def folder(tmp_path):
    train = pd.DataFrame({"user_id": [0, 0, 1, 1], "item_id": [0, 1, 1, 2], "rating": [1, 2, 3, 4]})
    random = pd.DataFrame({"user_id": [0, 0, 1], "item_id": [0, 2, 1], "rating": [1, 5, 3]})
    random = pd.concat([random, pd.DataFrame({"user_id": [1], "item_id": [0], "rating": [2]})])
    parts = [train.assign(split="train_selfselected"), random.assign(split="test_random")]
    pd.concat(parts).to_parquet(tmp_path / "ratings.parquet")
    items = {
        "item_id": [0, 1, 2],
        "gender:men": [1, 0, 0],
        "gender:women": [0, 1, 1],
        "jackettype:rain": [1, 0, 0],
        "jackettype:pea": [0, 1, 1],
        "color:red": [0, 0, 1],
        "color:navy": [1, 1, 0],
    }
    pd.DataFrame(items).to_parquet(tmp_path / "items.parquet")
    pd.DataFrame({"user_id": [0, 1], "age:20-30": [1, 0]}).to_parquet(tmp_path / "users.parquet")
    return tmp_path


def test_the_training_part_is_the_default(folder):
    log = load_coat(folder)
    assert log.rating.tolist() == [1, 2, 3, 4]
    assert log.titles == ("navy rain (men)", "navy pea (women)", "red pea (women)")
    assert log.genres == (("rain",), ("pea",), ("pea",))
    assert log.user_features["age:20-30"].tolist() == [1, 0]
    assert "color:red" in log.item_features


def test_the_random_parts_share_items_with_the_training_part(folder):
    random, clean = load_coat(folder, "random"), load_coat(folder, "random_clean")
    assert random.rating.tolist() == [1, 5, 3, 2]
    assert clean.rating.tolist() == [5, 2]
    assert random.item_ids.tolist() == clean.item_ids.tolist() == load_coat(folder).item_ids.tolist()


def test_ratings_alone_are_enough(folder):
    (folder / "items.parquet").unlink()
    (folder / "users.parquet").unlink()
    log = load_coat(folder)
    assert (log.titles, log.item_features, log.user_features) == ((), None, None)


def test_an_unknown_part_and_a_missing_split_are_refused(folder):
    with pytest.raises(ValueError, match="part must be one of train, random, random_clean; got 'test'"):
        load_coat(folder, "test")
    pd.DataFrame({"user_id": [1], "item_id": [1], "rating": [1]}).to_parquet(folder / "ratings.parquet")
    with pytest.raises(ValueError, match=r"has no column 'split'"):
        load_coat(folder)
