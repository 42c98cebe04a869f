import numpy as np
import pytest
from numpy.testing import assert_allclose

from recenv.agents.linear.inverse_gap import InverseGap


def test_probabilities_are_inverse_gaps_and_the_best_gets_the_rest():
    scores, candidates = np.array([[1.0, 0.5, 9.0, 0.9]]), np.array([[5, 3, -1, 7]])
    found = InverseGap(10.0).probabilities(scores, candidates)
    assert_allclose(found, [[1 - 1 / 8 - 1 / 4, 1 / 8, 0.0, 1 / 4]])


def test_gamma_of_zero_is_uniform_and_one_candidate_is_certain():
    scores, candidates = np.array([[1.0, 2.0], [1.0, 2.0], [0.0, 0.0]]), np.array([[0, 1], [3, -1], [-1, -1]])
    assert_allclose(InverseGap(0.0).probabilities(scores, candidates), [[0.5, 0.5], [1.0, 0.0], [0.0, 0.0]])


@pytest.mark.parametrize("gamma", [-1.0, np.nan, np.inf])
def test_a_gamma_that_is_no_rate_is_refused(gamma):
    with pytest.raises(ValueError, match="gamma must be 0 or more"):
        InverseGap(gamma)
