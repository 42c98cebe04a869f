import itertools

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from recenv.agents.exploration import EpsilonGreedy, Softmax
from recenv.agents.scoring import ScoreAgent, draw_columns
from recenv.protocol import Request

LOG_SCORES = np.log(np.array([1.0, 2.0, 3.0, 4.0]))


class Fixed(ScoreAgent):
    """Scores by a table of items."""

    def __init__(self, table, exploration):
        self.table, self.exploration = np.asarray(table, float), exploration

    def scores(self, request):
        return self.table[request.candidates]


def ask(candidates, slate_size=1):
    return Request(np.zeros((len(candidates), 1), np.float32), np.asarray(candidates), slate_size)


def plackett_luce(slate, weights):
    """Return the probability of an ordered slate by the formula, item for item."""
    left, probability = dict(enumerate(weights)), 1.0
    for item in slate:
        probability *= left[item] / sum(left.values())
        del left[item]
    return probability


def test_a_softmax_slate_has_its_plackett_luce_probability():
    agent = Fixed(LOG_SCORES, Softmax(1.0))
    decision = agent.act(ask(np.tile(np.arange(4), (500, 1)), 3), rng=np.random.default_rng(0))
    expected = [plackett_luce(slate, [1.0, 2.0, 3.0, 4.0]) for slate in decision.items]
    assert_allclose(decision.probability, expected)
    assert len({tuple(slate) for slate in decision.items}) > 15


def test_an_epsilon_greedy_slate_multiplies_renormalised_factors():
    agent = Fixed([1.0, 3.0, 2.0, 0.0], EpsilonGreedy(0.4))
    decision = agent.act(ask(np.tile(np.arange(4), (2000, 1)), 2), rng=np.random.default_rng(0))
    by_slate = {tuple(slate): p for slate, p in zip(decision.items, decision.probability, strict=True)}
    assert by_slate[1, 2] == pytest.approx(0.7 * (0.6 + 0.4 / 3))  # greedy, then greedy of the three left
    assert by_slate[1, 0] == pytest.approx(0.7 * 0.4 / 3)
    assert by_slate[3, 1] == pytest.approx(0.1 * (0.6 + 0.4 / 3))
    assert by_slate[0, 3] == pytest.approx(0.1 * 0.4 / 3)
    assert set(by_slate) == set(itertools.permutations(range(4), 2))
    assert sum(by_slate.values()) == pytest.approx(1.0)


@pytest.mark.parametrize("exploration", [EpsilonGreedy(0.5), Softmax(1.0)])
def test_items_come_up_as_often_as_their_probability_says(exploration):
    agent, many = Fixed(LOG_SCORES, exploration), ask(np.tile([3, -1, 0, 1], (20_000, 1)))
    items = agent.act(many, rng=np.random.default_rng(3)).items[:, 0]
    expected = agent.probabilities(many)[0]
    assert_allclose([(items == item).mean() for item in (3, 2, 0, 1)], expected, atol=0.015)


def test_the_chosen_items_probability_is_the_one_that_probabilities_says(request_of_two):
    agent = Fixed([0.0, 1.0, 2.0, 3.0, 4.0], EpsilonGreedy(0.3))
    decision = agent.act(request_of_two, rng=np.random.default_rng(0))
    said = (agent.probabilities(request_of_two) * (request_of_two.candidates == decision.items)).sum(axis=1)
    assert_array_equal(decision.probability, said)


def test_without_exploring_the_best_slate_is_certain_and_ties_go_to_the_lowest_id():
    agent = Fixed([1.0, 5.0, 5.0, 0.0], EpsilonGreedy(1.0))
    decision = agent.act(ask([[2, 1, 0, 3], [3, -1, 2, 0]], 3), rng=np.random.default_rng(0), explore=False)
    assert_array_equal(decision.items, [[1, 2, 0], [2, 0, 3]])
    assert_array_equal(decision.probability, [1.0, 1.0])


def test_positions_stay_empty_where_candidates_run_out():
    agent = Fixed([1.0, 2.0], Softmax(1.0))
    decision = agent.act(ask([[0, -1], [-1, -1]], 2), rng=np.random.default_rng(0))
    assert_array_equal(decision.items, [[0, -1], [-1, -1]])
    assert_array_equal(decision.probability, [1.0, 1.0])


def test_the_request_is_left_as_it_was():
    candidates = np.array([[0, 1, 2, 3]])
    Fixed(LOG_SCORES, Softmax(1.0)).act(ask(candidates, 4), rng=np.random.default_rng(0))
    assert_array_equal(candidates, [[0, 1, 2, 3]])


def test_drawing_by_inversion_takes_the_column_that_the_number_falls_in():
    probability = np.array([[0.25, 0.0, 0.5, 0.25]] * 5)
    drawn = draw_columns(probability, np.array([0.0, 0.25, 0.7499, 0.75, 1 - 2**-53]))
    assert_array_equal(drawn, [0, 2, 2, 3, 3])


def test_scores_that_are_not_finite_are_refused_with_item_and_row():
    with pytest.raises(ValueError, match="nan for item 2 in row 1"):
        Fixed([0.0, 1.0, np.nan], EpsilonGreedy(0.1)).act(ask([[0, 1], [0, 2]]), rng=np.random.default_rng(0))


def test_scores_of_the_wrong_shape_are_refused():
    class Wrong(ScoreAgent):
        def scores(self, request):
            return np.zeros(len(request.candidates))

    with pytest.raises(ValueError, match=r"Wrong.scores must return one score a candidate, \(1, 2\)"):
        Wrong().act(ask([[0, 1]]), rng=np.random.default_rng(0))
