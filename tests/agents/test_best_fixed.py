import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from recenv.agents.best_fixed import BestFixedAgent
from recenv.envs import RecSysVectorEnv
from recenv.protocol import Decision, Feedback
from recenv.testing.agents import check_agent
from recenv.training import evaluate_sessions, train


def greedy(agent, request, slate_size=1):
    return agent.act(request._replace(slate_size=slate_size), rng=np.random.default_rng(0), explore=False).items


def feedback(request, items, reward):
    items = np.asarray(items)
    none = np.zeros(len(items), bool)
    return Feedback(request, Decision(items, np.ones(len(items))), np.asarray(reward), request, none, none)


def test_it_starts_as_popularity(catalogue, request_of_two):
    assert_array_equal(greedy(BestFixedAgent(catalogue), request_of_two, 3), [[3, 1, 0], [1, 4, -1]])


def test_means_are_shrunk_by_the_prior(catalogue, request_of_two):
    agent = BestFixedAgent(catalogue, prior=1.0)
    # Overall 2 with next to no slope; item 0: (4 + 2) / 2 = 3, item 2: (0 + 2) / 2 = 1, the others 2.
    agent.update(feedback(request_of_two, [[0], [2]], [4.0, 0.0]))
    assert_array_equal(greedy(agent, request_of_two, 4)[0], [0, 3, 1, 2])


def test_a_slates_reward_is_shared_by_all_where_nobody_tells_who_took_what(catalogue, request_of_two):
    agent = BestFixedAgent(catalogue)
    agent.update(feedback(request_of_two, [[0, 2], [1, -1]], [3.0, 5.0]))
    assert_allclose(agent.sums.total, [1.5, 5.0, 1.5, 0.0, 0.0])
    assert_allclose(agent.sums.earned, [6.5, 1.5])
    assert_array_equal(agent.sums.count, [[1, 1, 0, 0, 0], [0, 0, 1, 0, 0]])


def test_a_slates_reward_belongs_to_what_was_consumed(catalogue, request_of_two):
    agent = BestFixedAgent(catalogue)
    consumed = np.array([[False, True], [False, False]])
    agent.update(feedback(request_of_two, [[0, 2], [1, 3]], [3.0, 0.0])._replace(outcome={"consumed": consumed}))
    assert_allclose(agent.sums.total, [0.0, 0.0, 3.0, 0.0, 0.0])
    assert_array_equal(agent.sums.count.sum(axis=0), [1, 1, 1, 1, 0])


def test_probabilities_are_those_of_epsilon_greedy(catalogue, request_of_two):
    expected = [[0.05, 0.85, 0.05, 0.05], [0.0, 0.9, 0.0, 0.1]]
    agent = BestFixedAgent(catalogue, epsilon=0.2)
    agent.update(feedback(request_of_two, [[3], [4]], [0.5, 1.0]))
    assert_allclose(agent.probabilities(request_of_two), expected)


def test_a_negative_prior_is_refused(catalogue):
    with pytest.raises(ValueError, match=r"prior must be 0 or more showings, .*, got -1"):
        BestFixedAgent(catalogue, prior=-1.0)


def test_a_saved_agent_goes_on_as_it_would_have(catalogue, request_of_two, tmp_path):
    agent = BestFixedAgent(catalogue, prior=2.0)
    agent.update(feedback(request_of_two, [[0], [1]], [1.0, 0.5]))
    agent.save(tmp_path / "agent")
    again = BestFixedAgent.load(tmp_path / "agent")
    for one in (agent, again):
        one.update(feedback(request_of_two, [[2], [1]], [0.2, 0.9]))
    assert_array_equal(again.probabilities(request_of_two), agent.probabilities(request_of_two))
    assert again.trained_on == (11, 22)


def test_it_keeps_the_contract(env):
    check_agent(BestFixedAgent(env.catalogue), env)


def test_it_learns_to_beat_popularity(world):
    env = RecSysVectorEnv(32, world=world, horizon=8)
    agent = BestFixedAgent(env.catalogue)
    before = evaluate_sessions(agent, env, seed=5).session_reward
    train(agent, env, 12_000, rng=np.random.default_rng(0))
    assert evaluate_sessions(agent, env, seed=5).session_reward > before + 0.5
