import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from recenv.agents.neural.agent import NeuralAgent
from recenv.agents.neural.bootstrapped import bootstrapped_agent
from recenv.agents.popularity import PopularityAgent
from recenv.training import evaluate_sessions, train
from tests.agents.neural.test_factories import FAST, probe, taught, wanted


def test_heads_disagree_less_the_more_they_have_seen(catalogue):
    few, many = (taught(bootstrapped_agent(catalogue, learning_rate=0.01, **FAST), batches) for batches in (6, 120))
    spread = [agent.member_scores(probe()).std(axis=0).mean() for agent in (few, many)]
    assert 0.0 < spread[1] < 0.5 * spread[0]


@pytest.mark.parametrize("slate_size", [1, 2])
def test_it_learns_which_reward_an_item_brings_whom(catalogue, slate_size):
    agent = taught(bootstrapped_agent(catalogue, learning_rate=0.01, **FAST), 150, slate_size=slate_size)
    assert np.abs(agent.scores(probe()) - wanted(probe())).mean() < (0.2 if slate_size == 1 else 0.25)


def test_probabilities_are_shares_of_heads_and_what_is_drawn(catalogue):
    agent = taught(bootstrapped_agent(catalogue, heads=5, **FAST), 6)
    share = agent.probabilities(probe())
    assert_allclose(share.sum(axis=1), 1.0)
    assert_allclose(share * 5, np.round(share * 5), atol=1e-9)
    first = agent.member_scores(probe()).argmax(axis=2)
    assert_allclose(share[:, 2], (first == 2).mean(axis=0))
    drawn = [agent.act(probe(), rng=np.random.default_rng(seed)) for seed in range(200)]
    often = np.mean([decision.items[:, 0] == 2 for decision in drawn], axis=0)
    assert_allclose(often, share[:, 2], atol=0.16)
    for decision in drawn[:3]:
        assert_allclose(decision.probability, share[np.arange(200), decision.items[:, 0]])


def test_a_slate_has_the_share_of_heads_that_would_show_it(catalogue):
    agent = taught(bootstrapped_agent(catalogue, heads=4, **FAST), 6)
    request = probe(40)._replace(slate_size=3)
    ranked = np.argsort(-agent.member_scores(request), axis=2)[:, :, :3]
    decision = agent.act(request, rng=np.random.default_rng(0))
    assert_allclose(decision.probability, (ranked == decision.items).all(axis=2).mean(axis=0))


def test_without_candidates_the_slate_is_empty_and_certain(catalogue):
    agent = taught(bootstrapped_agent(catalogue, **FAST), 6)
    request = probe(2)._replace(candidates=np.array([[-1, -1], [3, -1]]))
    decision = agent.act(request, rng=np.random.default_rng(0))
    assert_array_equal(decision.items[:, 0], [-1, 3])
    assert_array_equal(decision.probability, [1.0, 1.0])
    assert_array_equal(agent.probabilities(request), [[0.0, 0.0], [1.0, 0.0]])


@pytest.mark.parametrize("before", [0, 6, 30])
def test_saved_loaded_and_continued_it_is_bit_for_bit_the_same(catalogue, tmp_path, before):
    agent = taught(bootstrapped_agent(catalogue, seed=3, replay_size=300, **FAST), before)
    agent.save(tmp_path / "agent")
    again = NeuralAgent.load(tmp_path / "agent")
    for one in (agent, again):
        taught(one, 10, seed=7)
    assert_array_equal(again.member_scores(probe()), agent.member_scores(probe()))


def test_it_beats_popularity_by_more_than_users_differ(world, env):
    agent = bootstrapped_agent(env.catalogue, **{**FAST, "width": 64})
    train(agent, env, 2_000, rng=np.random.default_rng(0))
    other = evaluate_sessions(PopularityAgent(env.catalogue), env, seed=5)
    gain = evaluate_sessions(agent, env, seed=5).reward - other.reward
    assert gain.mean() > 3 * gain.std() / np.sqrt(len(gain))


def test_no_heads_are_refused(catalogue):
    with pytest.raises(ValueError, match="heads must be 1 or more"):
        bootstrapped_agent(catalogue, heads=0)
