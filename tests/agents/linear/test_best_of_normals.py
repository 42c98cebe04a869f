import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.stats import norm

from recenv.agents.linear.best_of_normals import BestOfNormals


def shares(mean, deviation, candidates=None):
    mean = np.atleast_2d(np.asarray(mean, float))
    candidates = np.tile(np.arange(mean.shape[1]), (len(mean), 1)) if candidates is None else candidates
    return BestOfNormals(np.atleast_2d(np.asarray(deviation, float))).probabilities(mean, candidates)


@pytest.mark.parametrize(
    ("gap", "one", "other"), [(0.0, 1.0, 1.0), (0.5, 1.0, 0.2), (1.0, 1e-4, 0.5), (2.0, 1e-3, 1.0)]
)
def test_of_two_it_is_the_normal_distribution_of_their_difference(gap, one, other):
    assert_allclose(shares([gap, 0.0], [one, other])[0, 0], norm.cdf(gap / np.hypot(one, other)), atol=5e-4)


def test_of_many_it_is_how_often_each_draw_is_the_highest():
    rng = np.random.default_rng(0)
    mean, deviation = rng.normal(size=8), rng.uniform(0.1, 1.5, 8)
    best = (mean + deviation * rng.normal(size=(200_000, 8))).argmax(axis=1)
    assert_allclose(shares(mean, deviation)[0], np.bincount(best, minlength=8) / 200_000, atol=5e-3)


def test_masked_candidates_take_no_part():
    found = shares([[9.0, 1.0, 1.0], [0.0, 0.0, 0.0]], np.ones((2, 3)), np.array([[-1, 4, 2], [-1, -1, -1]]))
    assert_allclose(found, [[0.0, 0.5, 0.5], [0.0, 0.0, 0.0]], atol=1e-12)


def test_without_uncertainty_the_highest_is_certain_and_equals_share():
    assert_allclose(shares([1.0, 3.0, 2.0], [0.0, 0.0, 0.0]), [[0.0, 1.0, 0.0]], atol=1e-12)
    assert_allclose(shares([3.0, 3.0], [0.0, 0.0]), [[0.5, 0.5]])
