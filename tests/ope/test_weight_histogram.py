import numpy as np
import pytest

from recenv.ope.weight_histogram import weight_histogram


def test_shares_of_rows_and_weight_by_quarter_decade():
    bins = weight_histogram(np.array([0.0, 0.0, 1.0, 3.0]))
    assert [entry["rows"] for entry in bins] == [0.5, 0.25, 0.25]
    assert [entry["weight"] for entry in bins] == [0.0, 0.25, 0.75]
    assert bins[0]["low"] == 0
    assert bins[1]["low"] == pytest.approx(1.0)
    assert bins[2]["low"] <= 3.0 < bins[2]["high"]


def test_extremes_have_a_bin():
    bins = weight_histogram(np.array([1e-9, 1e9]))
    assert (bins[0]["low"], bins[-1]["high"]) == (0.0, np.inf)
    assert sum(entry["rows"] for entry in bins) == 1
