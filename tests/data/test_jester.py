import numpy as np
import pandas as pd

from recenv.data.jester import SCALE, load_jester


def test_titles_are_numbers_and_aggregates_of_the_ratings_are_left_out(tmp_path):
    ratings = {"user_id": [0, 0, 1], "item_id": [0, 1, 1], "rating": np.array([-9.95, 0.5, 10], dtype=np.float32)}
    pd.DataFrame(ratings).to_parquet(tmp_path / "ratings.parquet")
    assert load_jester(tmp_path).titles == ()
    items = {"item_id": [0, 1], "text": ["one", "two"], "n_ratings": [1, 2], "mean_rating": [0.0, 1.0]}
    pd.DataFrame(items).to_parquet(tmp_path / "items.parquet")
    log = load_jester(tmp_path)
    assert log.titles == ("joke 1", "joke 2")
    assert list(log.item_features.columns) == ["text"]
    assert log.discretise(10, bounds=SCALE).rating.tolist() == [1, 6, 10]
