import json

import numpy as np
import pandas as pd
import pytest

from recenv.data import RatingsLog


def test_the_summary_counts_what_is_there(log):
    summary = log.summary()
    assert summary["histogram"] == {"1": 1, "3": 2, "4": 1, "5": 1}
    assert (summary["users"], summary["items"], summary["ratings"]) == (3, 3, 5)
    assert summary["density"] == pytest.approx(5 / 9)
    assert summary["mean"] == pytest.approx(3.2)
    assert (summary["first_time"], summary["last_time"], summary["genres"]) == (10, 50, 2)
    json.dumps(summary)


def test_a_part_tells_its_own_users_from_the_logs(log):
    summary = log.subset([4]).summary()
    assert (summary["users"], summary["users_with_ratings"], summary["items_with_ratings"]) == (3, 1, 1)
    assert summary["histogram"] == {"1": 1, "3": 0, "4": 0, "5": 0}


def test_an_empty_part_has_a_summary(log):
    summary = log.subset([]).summary()
    assert summary["ratings"] == 0
    assert summary["mean"] is None


def test_a_continuous_scale_is_shown_in_ten_ranges():
    frame = pd.DataFrame({"user": range(101), "item": range(101), "rating": np.linspace(-10, 10, 101)})
    histogram = RatingsLog.from_frame(frame).summary()["histogram"]
    assert len(histogram) == 10
    assert sum(histogram.values()) == 101
    assert next(iter(histogram)) == "-10 to -8"
