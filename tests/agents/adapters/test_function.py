import numpy as np
import pytest

from recenv.agents.adapters import FunctionPolicy, PolicyAgent


def test_items_are_shown_as_they_are(request_of_two):
    agent = FunctionPolicy(lambda request: np.array([[2, 0, 3], [1, -1, 4]]))
    decision = agent.act(request_of_two._replace(slate_size=3), rng=np.random.default_rng(0))
    assert decision.items.tolist() == [[2, 0, 3], [1, 4, -1]]
    assert decision.probability.tolist() == [1.0, 1.0]


def test_an_item_that_is_no_candidate_is_refused(request_of_two):
    agent = FunctionPolicy(lambda request: np.array([2, 3]))
    with pytest.raises(ValueError, match="item 3 in row 1, which is not among its candidates"):
        agent.act(request_of_two, rng=np.random.default_rng(0))


def test_another_number_of_items_is_refused(request_of_two):
    agent = FunctionPolicy(lambda request: np.array([2]))
    with pytest.raises(ValueError, match=r"shape \(1,\) for 2 users"):
        agent.act(request_of_two, rng=np.random.default_rng(0))


def test_slates_of_a_policy_renormalise_what_is_left(request_of_two):
    class Known:
        def probabilities(self, request):
            return np.array([[0.5, 0.25, 0.25, 0.0], [0.0, 1.0, 0.0, 0.0]])

    agent = PolicyAgent(Known())
    decision = agent.act(request_of_two._replace(slate_size=2), rng=np.random.default_rng(3))
    first, second = (dict(zip([0, 1, 2], [0.5, 0.25, 0.25], strict=True))[item] for item in decision.items[0])
    assert decision.probability[0] == pytest.approx(first * second / (1 - first))
    assert decision.items[1].tolist() == [4, 1]
    assert decision.probability[1] == 1.0


def test_a_negative_probability_is_refused(request_of_two):
    class Negative:
        def probabilities(self, request):
            return np.array([[-0.5, 0.5, 0.5, 0.5], [0.0, 1.0, 0.0, 0.0]])

    with pytest.raises(ValueError, match="item 0 in row 0 the probability -0"):
        PolicyAgent(Negative()).act(request_of_two, rng=np.random.default_rng(0))
