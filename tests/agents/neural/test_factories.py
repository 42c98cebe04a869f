import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal

from recenv.agents.exploration import EpsilonGreedy, Softmax
from recenv.agents.neural.agent import NeuralAgent
from recenv.agents.neural.bootstrapped import bootstrapped_agent
from recenv.agents.neural.factories import epsilon_greedy_agent, softmax_agent
from recenv.agents.neural.neural_linear import neural_thompson_agent, neural_ucb_agent
from recenv.agents.neural.scorers.registry import SCORERS
from recenv.agents.popularity import PopularityAgent
from recenv.agents.uniform import UniformAgent
from recenv.envs import RecSysVectorEnv
from recenv.protocol import Catalogue, Decision, Feedback, Request
from recenv.training import evaluate_sessions, train

FAST = {"learning_starts": 64, "batch_size": 32, "width": 16, "dims": 4, "replay_ratio": 8.0}
EVERY_SCORER = pytest.mark.parametrize("scorer", list(SCORERS))


def feedback_of(rng, users=16, slate_size=1, items=5):
    """Return feedback of random decisions; the reward is 1 for items above 2 where the first feature is positive."""
    flat = rng.normal(size=(users, 4)).astype(np.float32)
    shown = np.stack([rng.permutation(items)[:3] for _ in range(users)])
    observation = {"features": flat, "shown": shown, "feedback": rng.random((users, 3)), "mask": shown > 1}
    request = Request(observation, np.tile(np.arange(items), (users, 1)), slate_size, rng.integers(50, size=users))
    shown = np.stack([rng.permutation(items)[:slate_size] for _ in range(users)])
    reward = ((shown > 2) & (flat[:, :1] > 0)).sum(axis=1).astype(float)
    no = np.zeros(users, bool)
    return Feedback(request, Decision(shown, np.full(users, 1 / items)), reward, request, no, no)


def wanted(request):
    return ((request.candidates > 2) & (request.observation["features"][:, :1] > 0)).astype(float)


def taught(agent, batches, seed=0, **shape):
    rng = np.random.default_rng(seed)
    for _ in range(batches):
        agent.update(feedback_of(rng, **shape))
    return agent


def probe(users=200):
    return feedback_of(np.random.default_rng(99), users=users).request


@pytest.mark.parametrize("factory", [epsilon_greedy_agent, softmax_agent])
def test_it_beats_uniform_and_popularity_by_more_than_users_differ(world, env, factory):
    agent = factory(env.catalogue, replay_ratio=20.0)
    train(agent, env, 4_000, rng=np.random.default_rng(0))
    learned = evaluate_sessions(agent, env, seed=5)
    for other in (UniformAgent(env.catalogue), PopularityAgent(env.catalogue)):
        gain = learned.reward - evaluate_sessions(other, env, seed=5).reward
        assert gain.mean() > 3 * gain.std() / np.sqrt(len(gain))


@EVERY_SCORER
def test_every_scorer_learns_which_reward_an_item_brings_whom(catalogue, scorer):
    agent = taught(epsilon_greedy_agent(catalogue, scorer=scorer, **{**FAST, "learning_rate": 0.01}), 150)
    # A linear score cannot bend at 0, the others can.
    assert np.abs(agent.scores(probe()) - wanted(probe())).mean() < (0.3 if scorer == "linear" else 0.17)


def test_rewards_of_any_scale_are_predicted_in_their_own_units(catalogue):
    agent, rng = epsilon_greedy_agent(catalogue, learning_rate=0.01, **FAST), np.random.default_rng(0)
    for _ in range(150):
        one = feedback_of(rng)
        agent.update(one._replace(reward=1000.0 + 50.0 * one.reward))
    assert np.abs(agent.scores(probe()) - (1000.0 + 50.0 * wanted(probe()))).mean() < 0.15 * 50


def test_a_slates_reward_is_shared_out_to_its_items(catalogue):
    agent = taught(epsilon_greedy_agent(catalogue, learning_rate=0.01, **FAST), 200, slate_size=2)
    scores = agent.scores(probe())[probe().observation["features"][:, 0] > 0.3]
    assert scores[:, 3:].mean() > scores[:, :3].mean() + 0.5


def test_late_feedback_in_another_order_teaches_the_same(catalogue):
    rng = np.random.default_rng(0)
    batches = [feedback_of(rng) for _ in range(120)]
    in_order, late = (epsilon_greedy_agent(catalogue, learning_rate=0.01, **FAST) for _ in range(2))
    for one, other in zip(batches, reversed(batches), strict=True):
        in_order.update(one)
        late.update(other)
    assert np.abs(in_order.scores(probe()) - late.scores(probe())).mean() < 0.1


def test_before_it_learns_it_follows_popularity(catalogue, request_of_two):
    assert_array_equal(
        epsilon_greedy_agent(catalogue).act(request_of_two, rng=np.random.default_rng(0), explore=False).items,
        PopularityAgent(catalogue).act(request_of_two, rng=np.random.default_rng(0)).items,
    )


def test_exploration_falls_with_the_decisions_learned_from(catalogue):
    falling = {"epsilon": 0.1, "epsilon_start": 0.5, "epsilon_steps": 160, "replay_ratio": 0.1}
    agent = epsilon_greedy_agent(catalogue, schedule="linear", **falling)
    assert agent.exploration == EpsilonGreedy(0.5)
    assert taught(agent, 5).exploration.epsilon == pytest.approx(0.3)
    assert taught(agent, 20).exploration == EpsilonGreedy(0.1)
    halfway = taught(epsilon_greedy_agent(catalogue, schedule="exponential", **falling), 5)
    assert halfway.exploration.epsilon == pytest.approx((0.5 * 0.1) ** 0.5)
    assert epsilon_greedy_agent(catalogue, epsilon=0.3).exploration == EpsilonGreedy(0.3)
    assert softmax_agent(catalogue, schedule="linear", temperature_start=2.0).exploration == Softmax(2.0)


def test_probabilities_are_exact_in_the_candidates_shuffled_order(catalogue):
    agent = taught(epsilon_greedy_agent(catalogue, epsilon=0.2, **FAST), 10)
    straight = probe(2)._replace(candidates=np.array([[0, 1, 2, 3], [-1, 4, -1, 1]]))
    turned = straight._replace(candidates=straight.candidates[:, ::-1].copy())
    assert_allclose(agent.probabilities(turned)[:, ::-1], agent.probabilities(straight))
    assert_allclose(np.sort(agent.probabilities(straight)[0]), [0.05, 0.05, 0.05, 0.85])
    assert_array_equal(agent.probabilities(straight)[1] == 0.0, [True, False, True, False])


@EVERY_SCORER
def test_few_candidates_score_as_they_do_among_all(catalogue, scorer):
    agent = taught(epsilon_greedy_agent(catalogue, scorer=scorer, **FAST), 10)
    few = probe(2)._replace(candidates=np.array([[3, -1], [0, 4]]))
    alone = agent.scores(few)
    among = agent.scores(probe(2))
    assert agent._kept is not None
    assert_allclose([alone[0, 0], *alone[1]], [among[0, 3], among[1, 0], among[1, 4]], rtol=1e-5)
    assert_allclose(agent.scores(few)[1], alone[1], rtol=1e-5)


@pytest.mark.parametrize(
    ("factory", "options"),
    [(softmax_agent, {}), (epsilon_greedy_agent, {"user_code": 8})]
    + [(epsilon_greedy_agent, {"scorer": scorer}) for scorer in SCORERS],
)
@pytest.mark.parametrize("before", [0, 2, 30])
def test_saved_loaded_and_continued_it_is_bit_for_bit_the_same(catalogue, tmp_path, factory, options, before):
    agent = taught(factory(catalogue, seed=3, replay_size=300, **FAST, **options), before)
    agent.save(tmp_path / "agent")
    again = NeuralAgent.load(tmp_path / "agent")
    for one in (agent, again):
        taught(one, 20, seed=7)
    assert type(again) is type(agent)
    assert again.steps == agent.steps
    assert_array_equal(again.scores(probe()), agent.scores(probe()))
    assert again.rng.bit_generator.state == agent.rng.bit_generator.state
    assert again.trained_on == (11, 22)


def test_the_same_seed_learns_the_same_and_another_seed_does_not(catalogue):
    one, two, other = (taught(epsilon_greedy_agent(catalogue, seed=s, **FAST), 20) for s in (1, 1, 2))
    assert_array_equal(one.scores(probe()), two.scores(probe()))
    assert not np.array_equal(one.scores(probe()), other.scores(probe()))


def test_gradient_steps_follow_the_rows_however_many_come_at_once(catalogue):
    agent, rng, calls = epsilon_greedy_agent(catalogue, **{**FAST, "replay_ratio": 2.0}), np.random.default_rng(0), []
    agent._gradient_steps = lambda count: calls.append(count) or [0.0] * count  # type: ignore[method-assign]
    for users in (64, 16, 8, 8, 32, 128, 512):
        agent.update(feedback_of(rng, users))
    assert calls == [4, 1, 1, 2, 8, 16, 16]


def test_a_user_code_tells_users_apart_whom_the_state_does_not(catalogue):
    agent, rng = epsilon_greedy_agent(catalogue, user_code=16, learning_rate=0.01, **FAST), np.random.default_rng(0)
    for _ in range(150):
        one = feedback_of(rng, users=32)
        agent.update(one._replace(reward=(one.request.users % 2 == one.decision.items[:, 0] % 2).astype(float)))
    request = Request(np.zeros((50, 4), np.float32), np.tile(np.arange(5), (50, 1)), 1, np.arange(50))
    expected = request.users[:, None] % 2 == request.candidates % 2
    assert ((agent.scores(request) > 0.5) == expected).mean() > 0.9


@pytest.mark.parametrize("options", [{"user_code": 4}, {"scorer": "autoencoder"}])
def test_users_who_are_not_named_are_scored_as_nobody_in_particular(catalogue, request_of_two, options):
    agent, rng = epsilon_greedy_agent(catalogue, **FAST, **options), np.random.default_rng(0)
    for _ in range(10):
        one = feedback_of(rng)
        flat = one.request._replace(observation=one.request.observation["features"])
        agent.update(one._replace(request=flat))
    unnamed = agent.scores(request_of_two)
    never_met = agent.scores(request_of_two._replace(users=np.array([1_000, 2_000])))
    assert np.array_equal(unnamed, never_met) == ("scorer" in options)
    assert_array_equal(agent.scores(request_of_two), unnamed)


def test_the_autoencoder_remembers_users_where_the_observation_has_no_history(catalogue):
    agent = epsilon_greedy_agent(catalogue, scorer="autoencoder", learning_rate=0.01, **FAST)
    rng, no = np.random.default_rng(0), np.zeros(10, bool)
    for _ in range(300):
        users = rng.permutation(20)[:10]
        request = Request(np.zeros((10, 4), np.float32), np.tile(np.arange(5), (10, 1)), 1, users)
        items = rng.integers(5, size=(10, 1))
        agent.update(Feedback(request, Decision(items, no + 0.2), (users < 10) + 0.0, request, no, no))
    request = Request(np.zeros((20, 4), np.float32), np.tile(np.arange(5), (20, 1)), 1, np.arange(20))
    assert_allclose(agent.scores(request).mean(axis=1), np.arange(20) < 10, atol=0.25)


def test_the_transformer_without_a_history_says_what_to_do(catalogue, request_of_two):
    agent = taught(epsilon_greedy_agent(catalogue, scorer="transformer", **FAST), 10)
    with pytest.raises(ValueError, match='observation="history"'):
        agent.scores(request_of_two)


def test_the_transformer_trains_on_sessions_with_history(world):
    env = RecSysVectorEnv(16, world=world, horizon=6, observation="history")
    agent = epsilon_greedy_agent(env.catalogue, scorer="transformer", **FAST)
    train(agent, env, 400, rng=np.random.default_rng(0))
    assert agent.learning
    assert evaluate_sessions(agent, env, seed=1).session_reward > 0


@EVERY_SCORER
@pytest.mark.parametrize("slate_size", [1, 2])
def test_an_explanation_adds_up_to_the_score(catalogue, scorer, slate_size):
    agent = taught(epsilon_greedy_agent(catalogue, scorer=scorer, learning_rate=0.01, **FAST), 40)
    request = probe(30)._replace(slate_size=slate_size)
    decision = agent.act(request, rng=np.random.default_rng(0))
    explained = agent.explain(request, decision)
    shown = np.take_along_axis(agent.scores(request), decision.items, axis=1)
    assert_allclose(explained.score, shown, rtol=1e-4, atol=1e-5)
    total = explained.baseline + explained.state.sum(axis=2) + explained.item.sum(axis=2)
    total = total + explained.own + explained.history
    assert_allclose(total, explained.score, atol=0.01)
    assert np.ptp(explained.score) > 0.1


@pytest.mark.parametrize("factory", [bootstrapped_agent, neural_thompson_agent, neural_ucb_agent])
def test_an_explanation_is_of_the_prediction_that_decides(catalogue, factory):
    agent = taught(factory(catalogue, learning_rate=0.01, **FAST), 40)
    request = probe(30)
    decision = agent.act(request, rng=np.random.default_rng(0), explore=False)
    predicted = agent.moments(request)[0] if hasattr(agent, "moments") else agent.scores(request)
    explained = agent.explain(request, decision)
    assert_allclose(explained.score, np.take_along_axis(predicted, decision.items, axis=1), rtol=1e-3, atol=1e-3)
    assert_allclose(explained.score[:, 0], predicted.max(axis=1), rtol=1e-3, atol=1e-3)


def test_what_moves_the_reward_is_what_the_explanation_names(catalogue):
    agent = taught(epsilon_greedy_agent(catalogue, learning_rate=0.01, **FAST), 150)
    request = probe()
    explained = agent.explain(request, Decision(np.full((200, 1), 4), np.ones(200)))
    weight = np.abs(explained.state[:, 0]).mean(axis=0)
    assert weight[0] > 3 * weight[1:].max()
    empty = agent.explain(request, Decision(np.full((200, 1), -1), np.ones(200)))
    assert np.isnan(empty.score).all()


@pytest.mark.parametrize(
    ("option", "value", "words"),
    [
        ("width", 0, "width must be above 0"),
        ("learning_rate", -1.0, "learning_rate must be above 0"),
        ("averaging", 1.0, "averaging must be below 1"),
        ("epsilon", 1.5, r"epsilon must be in \[0, 1\]"),
        ("scorer", "mpl", "scorer must be linear, mlp"),
        ("schedule", "falling", "schedule must be constant"),
        ("replay_size", 0, "replay_size must be above 0"),
    ],
)
def test_options_out_of_range_are_refused_by_name(catalogue, option, value, words):
    with pytest.raises(ValueError, match=words):
        epsilon_greedy_agent(catalogue, **{option: value})


def test_a_temperature_of_zero_is_refused(catalogue):
    with pytest.raises(ValueError, match="temperature must be above 0"):
        softmax_agent(catalogue, temperature=0.0)


def test_an_observation_of_another_width_is_refused(catalogue):
    agent = taught(epsilon_greedy_agent(catalogue, **FAST), 10)
    with pytest.raises(ValueError, match=r"observation must be \(B, 4\)"):
        agent.scores(Request(np.zeros((1, 3)), np.array([[0]])))


def test_a_constant_strength_shares_the_network_and_is_saved(catalogue, tmp_path):
    agent = taught(softmax_agent(catalogue, **FAST), 10)
    sharper = agent.exploring(0.01)
    assert sharper.exploration == Softmax(0.01)
    assert agent.exploration != Softmax(0.01)
    sharper.save(tmp_path / "agent")
    assert NeuralAgent.load(tmp_path / "agent").exploration == Softmax(0.01)


def test_ten_candidates_of_ten_thousand_items_are_scored_alone():
    rng = np.random.default_rng(0)
    large = Catalogue(rng.normal(size=(10_000, 3)).astype(np.float32), np.ones(10_000), 4)
    agent = taught(epsilon_greedy_agent(large, **FAST), 10)
    request = probe(8)._replace(candidates=rng.integers(10_000, size=(8, 10)))
    agent.scores(request)
    assert agent._kept is None


def test_no_global_generator_is_touched(catalogue):
    before = torch.random.get_rng_state(), np.random.get_state()[1].copy()  # noqa: NPY002
    for scorer in SCORERS:
        taught(epsilon_greedy_agent(catalogue, scorer=scorer, **FAST), 6)
    assert_array_equal(torch.random.get_rng_state(), before[0])
    assert_array_equal(np.random.get_state()[1], before[1])  # noqa: NPY002
