import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from recenv.agents.exploration import EpsilonGreedy, Softmax, greedy_columns

CANDIDATES = np.array([[0, 1, 2, 3], [-1, 4, -1, 1]])
SCORES = np.array([[1.0, 3.0, 2.0, 0.0], [9.0, 1.0, 9.0, 2.0]])


def test_epsilon_greedy_gives_the_literal_probabilities():
    expected = [[0.05, 0.85, 0.05, 0.05], [0.0, 0.1, 0.0, 0.9]]
    assert_allclose(EpsilonGreedy(0.2).probabilities(SCORES, CANDIDATES), expected)


def test_softmax_gives_the_literal_probabilities():
    scores = np.log(np.array([[1.0, 2.0, 3.0, 4.0], [7.0, 1.0, 7.0, 3.0]]))
    expected = [[0.1, 0.2, 0.3, 0.4], [0.0, 0.25, 0.0, 0.75]]
    assert_allclose(Softmax(1.0).probabilities(scores, CANDIDATES), expected)
    squared = [[1 / 30, 4 / 30, 9 / 30, 16 / 30], [0.0, 0.1, 0.0, 0.9]]
    assert_allclose(Softmax(0.5).probabilities(scores, CANDIDATES), squared)


def test_softmax_survives_scores_that_overflow_exp():
    assert_allclose(Softmax(1.0).probabilities(np.array([[1e4, 1e4, -1e4]]), np.array([[0, 1, 2]])), [[0.5, 0.5, 0.0]])


def test_ties_go_to_the_lowest_item_id_wherever_it_stands():
    assert_array_equal(greedy_columns(np.zeros((2, 3)), np.array([[7, 2, 5], [-1, 9, 8]])), [1, 2])


def test_a_masked_candidate_is_never_greedy_even_with_the_highest_score():
    assert_array_equal(greedy_columns(SCORES, CANDIDATES), [1, 3])


@pytest.mark.parametrize("exploration", [EpsilonGreedy(0.3), Softmax(2.0)])
def test_a_row_without_candidates_has_no_probability(exploration):
    assert_array_equal(exploration.probabilities(np.ones((1, 3)), np.full((1, 3), -1)), np.zeros((1, 3)))


@given(
    seed=st.integers(0, 2**32 - 1),
    users=st.integers(1, 5),
    columns=st.integers(1, 8),
    epsilon=st.floats(0, 1),
    temperature=st.floats(0.01, 100),
)
def test_probabilities_sum_to_one_over_the_candidates(seed, users, columns, epsilon, temperature):
    rng = np.random.default_rng(seed)
    scores = rng.normal(size=(users, columns)) * 10
    candidates = np.where(rng.random((users, columns)) < 0.7, np.tile(rng.permutation(columns), (users, 1)), -1)
    for exploration in (EpsilonGreedy(epsilon), Softmax(temperature)):
        probability = exploration.probabilities(scores, candidates)
        assert_allclose(probability.sum(axis=1), (candidates >= 0).any(axis=1).astype(float))
        assert (probability >= 0).all()
        assert (probability[candidates < 0] == 0).all()


@pytest.mark.parametrize(
    ("make", "name"), [(lambda: EpsilonGreedy(1.2), "epsilon"), (lambda: Softmax(0.0), "temperature")]
)
def test_a_strength_out_of_range_is_refused_by_name(make, name):
    with pytest.raises(ValueError, match=name):
        make()
