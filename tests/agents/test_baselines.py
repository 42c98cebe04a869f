import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from recenv.agents.popularity import PopularityAgent
from recenv.agents.uniform import UniformAgent


def test_uniform_gives_each_candidate_the_same_probability(catalogue, request_of_two):
    expected = [[0.25, 0.25, 0.25, 0.25], [0.0, 0.5, 0.0, 0.5]]
    assert_allclose(UniformAgent(catalogue).probabilities(request_of_two), expected)


def test_uniform_draws_without_exploring_too(catalogue, request_of_two):
    decision = UniformAgent(catalogue).act(request_of_two, rng=np.random.default_rng(0), explore=False)
    assert_array_equal(decision.probability, [0.25, 0.5])


def test_a_uniform_slate_of_two_out_of_four_has_one_chance_in_twelve(catalogue, request_of_two):
    decision = UniformAgent(catalogue).act(request_of_two._replace(slate_size=2), rng=np.random.default_rng(0))
    assert_allclose(decision.probability, [1 / 12, 1 / 2])


@pytest.mark.parametrize("explore", [True, False])
def test_popularity_shows_the_most_rated_candidate_and_of_equals_the_lowest_id(catalogue, request_of_two, explore):
    decision = PopularityAgent(catalogue).act(request_of_two, rng=np.random.default_rng(0), explore=explore)
    assert_array_equal(decision.items, [[3], [1]])
    assert_array_equal(decision.probability, [1.0, 1.0])


def test_popularity_ranks_a_slate_by_number_of_ratings(catalogue, request_of_two):
    decision = PopularityAgent(catalogue).act(request_of_two._replace(slate_size=3), rng=np.random.default_rng(0))
    assert_array_equal(decision.items, [[3, 1, 0], [1, 4, -1]])


@pytest.mark.parametrize("kind", [UniformAgent, PopularityAgent])
def test_a_saved_baseline_decides_as_before_and_keeps_its_fingerprint(catalogue, request_of_two, tmp_path, kind):
    agent = kind(catalogue)
    agent.save(tmp_path / "agent")
    again = kind.load(tmp_path / "agent")
    assert again.trained_on == (11, 22)
    assert_array_equal(again.probabilities(request_of_two), agent.probabilities(request_of_two))
