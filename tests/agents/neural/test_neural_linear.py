import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from recenv.agents.neural.agent import NeuralAgent
from recenv.agents.neural.neural_linear import neural_thompson_agent, neural_ucb_agent
from recenv.agents.neural.posterior import FeaturePosterior
from recenv.agents.popularity import PopularityAgent
from recenv.training import evaluate_sessions, train
from tests.agents.neural.test_factories import FAST, feedback_of, probe, taught, wanted

BOTH = pytest.mark.parametrize("factory", [neural_thompson_agent, neural_ucb_agent])


def test_two_observations_of_one_weight_by_hand():
    posterior = FeaturePosterior(1, prior=1.0)
    posterior.add(np.array([[1.0], [2.0]]), np.array([1.0, 3.0]))
    # A = 1 + 1 + 4, sum r z = 1 + 6, squares = 1 + 9
    assert_allclose(posterior.mean, [7 / 6])
    assert posterior.noise == pytest.approx((2 + 10 - 49 / 6) / (2 + 2))
    mean, deviation = posterior.moments(np.array([[[3.0]]]))
    assert_allclose(mean, [[3.5]])
    assert_allclose(deviation, [[3 * np.sqrt(posterior.noise / 6)]], rtol=1e-6)


def test_the_posterior_does_not_depend_on_the_order_and_the_parts():
    rng = np.random.default_rng(0)
    z, r = rng.normal(size=(60, 5)), rng.normal(size=60)
    whole, parts = FeaturePosterior(5, 1.0), FeaturePosterior(5, 1.0)
    whole.add(z, r)
    for rows in np.array_split(rng.permutation(60), 7):
        parts.add(z[rows], r[rows])
    for one, other in zip(whole.moments(z), parts.moments(z), strict=True):
        assert_allclose(one, other, rtol=1e-5)


def test_intervals_cover_the_truth_as_often_as_they_say():
    rng, hits = np.random.default_rng(0), []
    for _ in range(200):
        theta, z = rng.normal(size=4), rng.normal(size=(40, 4))
        posterior = FeaturePosterior(4, 1.0)
        posterior.add(z, z @ theta + rng.normal(size=40))
        mean, deviation = posterior.moments(z[:1])
        hits.append(abs(mean - z[:1] @ theta)[0] < 1.2816 * deviation[0])
    assert 0.75 < np.mean(hits) < 0.85


@BOTH
def test_each_observation_is_counted_exactly_once(catalogue, factory):
    agent = factory(catalogue, **FAST)
    for batches in (3, 1, 1, 5, 1, 30, 1, 1):
        taught(agent, batches, seed=batches)
        assert agent.posterior.count == (agent.steps if agent.learning else 0)
    frozen = FeaturePosterior(agent.frozen.feature_size, agent.prior)
    situation, items, target = agent._batch(agent.replay.rows(np.arange(agent.replay.size)))
    frozen.add(agent._slate_features(situation, items), target.numpy())
    # Apart from the scale of reward and state, which moved by the last rows.
    assert_allclose(frozen.precision.trace(), agent.posterior.precision.trace(), rtol=0.02)


@BOTH
@pytest.mark.parametrize("slate_size", [1, 2])
def test_it_learns_which_reward_an_item_brings_whom(catalogue, factory, slate_size):
    agent = taught(factory(catalogue, learning_rate=0.01, **FAST), 150, slate_size=slate_size)
    mean, deviation = agent.moments(probe())
    assert np.abs(mean - wanted(probe())).mean() < (0.17 if slate_size == 1 else 0.25)
    assert 0.0 < deviation.mean() < 0.2


def test_an_item_that_was_not_shown_is_the_least_certain(catalogue):
    agent, rng = neural_thompson_agent(catalogue, strength=1.0, **FAST), np.random.default_rng(0)
    for _ in range(30):
        one = feedback_of(rng)
        items = np.where(one.decision.items == 1, 2, one.decision.items)
        agent.update(one._replace(decision=one.decision._replace(items=items)))
    deviation = agent.moments(probe())[1].mean(axis=0)
    assert deviation.argmax() == 1


def test_thompson_draws_what_its_probabilities_say(catalogue):
    agent = taught(neural_thompson_agent(catalogue, strength=1.0, **FAST), 6)
    one = probe(1)
    many = one._replace(
        candidates=np.repeat(one.candidates, 4000, axis=0),
        observation={key: np.repeat(value, 4000, axis=0) for key, value in one.observation.items()},
    )
    decision = agent.act(many, rng=np.random.default_rng(0))
    drawn = np.bincount(decision.items[:, 0], minlength=5) / 4000
    assert_allclose(drawn, agent.probabilities(one)[0], atol=0.03)
    assert_allclose(decision.probability, agent.probabilities(one)[0][decision.items[:, 0]], rtol=1e-5)


def test_ucb_shows_the_highest_bound_and_without_exploring_the_highest_mean(catalogue):
    agent = taught(neural_ucb_agent(catalogue, strength=30.0, **FAST), 20)
    mean, deviation = agent.moments(probe())
    rng = np.random.default_rng(0)
    assert_array_equal(agent.act(probe(), rng=rng).items[:, 0], (mean + 30.0 * deviation).argmax(axis=1))
    assert_array_equal(agent.act(probe(), rng=rng, explore=False).items[:, 0], mean.argmax(axis=1))
    assert_array_equal(agent.probabilities(probe()).max(axis=1), 1.0)


@BOTH
@pytest.mark.parametrize("before", [0, 6, 30])
def test_saved_loaded_and_continued_it_is_bit_for_bit_the_same(catalogue, tmp_path, factory, before):
    agent = taught(factory(catalogue, seed=3, replay_size=300, **FAST), before)
    agent.save(tmp_path / "agent")
    again = NeuralAgent.load(tmp_path / "agent")
    for one in (agent, again):
        taught(one, 10, seed=7)
    assert_array_equal(again.scores(probe()), agent.scores(probe()))
    assert_array_equal(again.moments(probe())[1], agent.moments(probe())[1])


@BOTH
def test_it_beats_popularity_by_more_than_users_differ(world, env, factory):
    agent = factory(env.catalogue, **{**FAST, "width": 32})
    train(agent, env, 2_000, rng=np.random.default_rng(0))
    other = evaluate_sessions(PopularityAgent(env.catalogue), env, seed=5)
    gain = evaluate_sessions(agent, env, seed=5).reward - other.reward
    assert gain.mean() > 3 * gain.std() / np.sqrt(len(gain))


def test_a_strength_of_zero_is_refused(catalogue):
    with pytest.raises(ValueError, match="strength must be above 0"):
        neural_ucb_agent(catalogue, strength=0.0)
