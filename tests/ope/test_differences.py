import numpy as np
import pytest

from recenv.ope.differences import differences

HOW = {"confidence": 0.95, "clusters": 500, "method": "bootstrap"}


def test_a_shared_resample_makes_differences_sharp(rng):
    common = rng.normal(size=2_000)
    draws = np.stack([common, common + 0.5 + 0.01 * rng.normal(size=2_000)], axis=1)
    (record,) = differences(np.array([0.0, 0.5]), draws, [(1, 0)], **HOW)
    assert record["difference"] == 0.5
    assert record["std_error"] == pytest.approx(0.01, rel=0.1)
    assert 0.45 < record["lower"] < 0.5 < record["upper"] < 0.55
    assert record["p_adjusted"] == pytest.approx(1 / 2_001)


def test_the_simultaneous_interval_uses_the_largest_of_all_pairs(rng):
    draws = rng.normal(size=(20_000, 3))
    pairs = [(0, 1), (0, 2), (1, 2)]
    records = differences(np.zeros(3), draws, pairs, **HOW)
    for record in records:
        width = record["upper_simultaneous"] - record["lower_simultaneous"]
        assert width / record["std_error"] / 2 == pytest.approx(2.344, abs=0.04)  # Tukey's q(3)/sqrt(2) at 0.95
        assert record["p_adjusted"] == 1.0


def test_equal_policies_differ_by_nothing():
    draws = np.repeat(np.arange(10.0)[:, None], 2, axis=1)
    (record,) = differences(np.array([4.5, 4.5]), draws, [(0, 1)], **HOW)
    assert [record[name] for name in ("difference", "std_error", "lower", "upper", "p_adjusted")] == [0, 0, 0, 0, 1]


def test_no_overlap_leaves_everything_possible(rng):
    draws = rng.normal(size=(100, 3))
    draws[:, 1] = np.nan
    lost, kept = differences(np.array([0.0, np.nan, 1.0]), draws, [(0, 1), (0, 2)], **HOW)
    assert (lost["lower"], lost["upper"], lost["p_adjusted"]) == (-np.inf, np.inf, 1.0)
    assert np.isfinite(kept["lower_simultaneous"])


def test_student_intervals_of_a_pair(rng):
    draws = rng.normal(size=(4_000, 2))
    (record,) = differences(np.array([1.0, 0.0]), draws, [(0, 1)], **{**HOW, "method": "student", "clusters": 4})
    assert record["upper"] - 1 == pytest.approx(3.182446305284263 * record["std_error"])
