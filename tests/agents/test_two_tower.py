import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from recenv.agents.exploration import EpsilonGreedy, Softmax
from recenv.agents.popularity import PopularityAgent
from recenv.agents.two_tower import TwoTowerAgent, epsilon_greedy_agent, softmax_agent
from recenv.agents.uniform import UniformAgent
from recenv.protocol import Decision, Feedback, Request
from recenv.training import evaluate_sessions, train

FAST = {"learning_starts": 64, "batch_size": 32, "width": 8, "dims": 4}


def feedback_of(rng, users=16, slate_size=1, items=5):
    """Return feedback of random decisions; the reward is 1 for items above 2 where the first feature is positive."""
    observation = rng.normal(size=(users, 4)).astype(np.float32)
    request = Request(observation, np.tile(np.arange(items), (users, 1)), slate_size)
    shown = np.stack([rng.permutation(items)[:slate_size] for _ in range(users)])
    reward = ((shown > 2) & (observation[:, :1] > 0)).sum(axis=1).astype(float)
    no = np.zeros(users, bool)
    return Feedback(request, Decision(shown, np.full(users, 1 / items)), reward, request, no, no)


def taught(agent, batches, seed=0):
    rng = np.random.default_rng(seed)
    for _ in range(batches):
        agent.update(feedback_of(rng))
    return agent


@pytest.mark.parametrize("factory", [epsilon_greedy_agent, softmax_agent])
def test_it_beats_uniform_and_popularity_by_more_than_users_differ(world, env, factory):
    agent = factory(env.catalogue)
    train(agent, env, 12_000, rng=np.random.default_rng(0))
    learned = evaluate_sessions(agent, env, seed=5)
    for other in (UniformAgent(env.catalogue), PopularityAgent(env.catalogue)):
        gain = learned.reward - evaluate_sessions(other, env, seed=5).reward
        assert gain.mean() > 3 * gain.std() / np.sqrt(len(gain))


def test_it_learns_which_reward_an_item_brings_whom(catalogue):
    agent = taught(epsilon_greedy_agent(catalogue, learning_rate=0.01, **FAST), 150)
    probe = feedback_of(np.random.default_rng(99), users=200)
    expected = (probe.request.candidates > 2) & (probe.request.observation[:, :1] > 0)
    assert np.abs(agent.scores(probe.request) - expected).mean() < 0.15


def test_rewards_of_any_scale_are_predicted_in_their_own_units(catalogue):
    agent, rng = epsilon_greedy_agent(catalogue, learning_rate=0.01, **FAST), np.random.default_rng(0)
    for _ in range(150):
        one = feedback_of(rng)
        agent.update(one._replace(reward=1000.0 + 50.0 * one.reward))
    probe = feedback_of(np.random.default_rng(99), users=200).request
    expected = 1000.0 + 50.0 * ((probe.candidates > 2) & (probe.observation[:, :1] > 0))
    assert np.abs(agent.scores(probe) - expected).mean() < 0.15 * 50


def test_a_slates_reward_is_shared_out_to_its_items(catalogue):
    agent, rng = epsilon_greedy_agent(catalogue, learning_rate=0.01, **FAST), np.random.default_rng(0)
    for _ in range(200):
        agent.update(feedback_of(rng, slate_size=2))
    scores = agent.scores(feedback_of(np.random.default_rng(99), users=200).request)
    positive = feedback_of(np.random.default_rng(99), users=200).request.observation[:, 0] > 0.3
    assert scores[positive][:, 3:].mean() > scores[positive][:, :3].mean() + 0.5


def test_late_feedback_in_another_order_teaches_the_same(catalogue):
    rng = np.random.default_rng(0)
    batches = [feedback_of(rng) for _ in range(120)]
    in_order, late = (epsilon_greedy_agent(catalogue, learning_rate=0.01, **FAST) for _ in range(2))
    for one, other in zip(batches, reversed(batches), strict=True):
        in_order.update(one)
        late.update(other)
    probe = feedback_of(np.random.default_rng(99), users=200).request
    assert np.abs(in_order.scores(probe) - late.scores(probe)).mean() < 0.1


def test_before_it_learns_it_follows_popularity(catalogue, request_of_two):
    agent = epsilon_greedy_agent(catalogue)
    assert_array_equal(
        agent.act(request_of_two, rng=np.random.default_rng(0), explore=False).items,
        PopularityAgent(catalogue).act(request_of_two, rng=np.random.default_rng(0)).items,
    )


def test_exploration_falls_with_the_decisions_learned_from(catalogue):
    agent = epsilon_greedy_agent(catalogue, epsilon=0.1, epsilon_start=0.5, epsilon_steps=160, **FAST)
    assert agent.exploration == EpsilonGreedy(0.5)
    assert taught(agent, 5).exploration.epsilon == pytest.approx(0.3)
    assert taught(agent, 20).exploration == EpsilonGreedy(0.1)
    assert softmax_agent(catalogue, temperature_start=2.0).exploration == Softmax(2.0)


def test_probabilities_are_exact_in_the_candidates_shuffled_order(catalogue, request_of_two):
    agent = taught(epsilon_greedy_agent(catalogue, epsilon_start=0.2, epsilon=0.2, **FAST), 10)
    turned = request_of_two._replace(candidates=request_of_two.candidates[:, ::-1].copy())
    assert_allclose(agent.probabilities(turned)[:, ::-1], agent.probabilities(request_of_two))
    assert_allclose(np.sort(agent.probabilities(request_of_two)[0]), [0.05, 0.05, 0.05, 0.85])


@pytest.mark.parametrize("factory", [epsilon_greedy_agent, softmax_agent])
@pytest.mark.parametrize("before", [0, 2, 30])
def test_saved_loaded_and_continued_it_is_bit_for_bit_the_same(catalogue, request_of_two, tmp_path, factory, before):
    agent = taught(factory(catalogue, seed=3, replay_size=300, **FAST), before)
    agent.save(tmp_path / "agent")
    again = TwoTowerAgent.load(tmp_path / "agent")
    for one in (agent, again):
        taught(one, 20, seed=7)
    assert again.steps == agent.steps
    assert_array_equal(again.scores(request_of_two), agent.scores(request_of_two))
    assert again.rng.bit_generator.state == agent.rng.bit_generator.state
    assert again.trained_on == (11, 22)


def test_the_same_seed_learns_the_same_and_another_seed_does_not(catalogue, request_of_two):
    one, two, other = (taught(epsilon_greedy_agent(catalogue, seed=s, **FAST), 20) for s in (1, 1, 2))
    assert_array_equal(one.scores(request_of_two), two.scores(request_of_two))
    assert not np.array_equal(one.scores(request_of_two), other.scores(request_of_two))


def test_updates_do_not_depend_on_how_many_users_come_at_once(catalogue):
    agent, rng = epsilon_greedy_agent(catalogue, replay_ratio=2.0, **FAST), np.random.default_rng(0)
    calls = []
    agent._gradient_step = lambda: calls.append(1) or 0.0  # type: ignore[method-assign]
    for users in (64, 16, 16, 32, 128):
        agent.update(feedback_of(rng, users=users))
    assert len(calls) == 256 * 2 // 32


def test_an_observation_of_another_width_is_refused(catalogue, request_of_two):
    agent = taught(epsilon_greedy_agent(catalogue, **FAST), 10)
    with pytest.raises(ValueError, match=r"observation must be \(B, 4\)"):
        agent.scores(request_of_two._replace(observation=np.zeros((2, 5), np.float32)))


@pytest.mark.parametrize(
    ("option", "value"),
    [("epsilon", 1.5), ("width", 0), ("learning_rate", -1.0), ("replay_size", 0), ("batch_size", 0)],
)
def test_options_out_of_range_are_refused_by_name(catalogue, option, value):
    with pytest.raises(ValueError, match=option):
        epsilon_greedy_agent(catalogue, **{option: value})


def test_a_temperature_of_zero_is_refused(catalogue):
    with pytest.raises(ValueError, match="temperature must be above 0"):
        softmax_agent(catalogue, temperature=0.0)
