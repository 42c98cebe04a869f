import numpy as np
import pytest
from scipy import stats

from recenv.causal.equations.rating import level_probability, normalised_rating, rating_level

TAU = np.array([-1.0, 0.0, 2.0])


@pytest.mark.parametrize(("x", "level"), [(-5.0, 1), (-1.0, 1), (-0.5, 2), (0.0, 2), (1.0, 3), (2.0, 3), (2.1, 4)])
def test_a_level_is_one_more_than_the_thresholds_passed(x, level):
    assert rating_level(x, TAU) == level


def test_level_probabilities_by_hand():
    tau = np.array([-1.0, 1.0])
    found = [level_probability(level, 0.0, tau) for level in (1, 2, 3)]
    assert found == pytest.approx([0.2689414213699951, 0.4621171572600098, 0.2689414213699951])


@pytest.mark.parametrize("mean", [-40.0, -1.3, 0.0, 2.5, 40.0])
def test_level_probabilities_sum_to_one(mean):
    assert sum(level_probability(level, mean, TAU) for level in (1, 2, 3, 4)) == pytest.approx(1.0, abs=1e-15)


def test_level_probabilities_are_the_frequencies_of_simulated_levels():
    noise = stats.logistic.ppf((np.arange(20_000) + 0.5) / 20_000)
    simulated = np.bincount([rating_level(0.7 + e, TAU) for e in noise], minlength=5)[1:] / len(noise)
    expected = [level_probability(level, 0.7, TAU) for level in (1, 2, 3, 4)]
    np.testing.assert_allclose(simulated, expected, atol=1e-4)


def test_normalised_ratings_run_from_zero_to_one():
    assert [normalised_rating(level, 5) for level in (1, 3, 5)] == [0.0, 0.5, 1.0]
