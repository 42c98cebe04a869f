import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from recenv.agents.linear.agent import slate_credit
from recenv.agents.linear.linear_thompson import LinearThompsonAgent
from recenv.agents.linear.linucb import LinUCBAgent
from recenv.agents.linear.squarecb import LinearSquareCBAgent, squarecb_agent
from recenv.agents.neural.neural_squarecb import NeuralSquareCBAgent
from recenv.envs import RecSysVectorEnv
from recenv.protocol import Catalogue, Decision, Feedback, Request
from recenv.testing import check_agent

LINEAR = [LinUCBAgent, LinearThompsonAgent, LinearSquareCBAgent]
ALL = [*LINEAR, lambda catalogue: NeuralSquareCBAgent(catalogue, width=8, replay_ratio=1.0)]


def small_catalogue(items=12):
    rng = np.random.default_rng(5)
    return Catalogue(rng.normal(size=(items, 3)).astype(np.float32), rng.integers(1, 50, items).astype(float), 4)


class Taste:
    """Users whose expected reward is linear in the observation, with weights of each item's own."""

    def __init__(self, items=12):
        rng = np.random.default_rng(6)
        self.weights = rng.normal(size=(items, 4))
        self.level = 0.3 * rng.normal(size=items)

    def request(self, rng, users=20, slate_size=1):
        observation = rng.normal(size=(users, 4)).astype(np.float32)
        return Request(observation, np.tile(np.arange(len(self.level)), (users, 1)), slate_size)

    def expected(self, request):
        return request.observation @ self.weights.T + self.level

    def feedback(self, request, decision, rng, noise=0.5):
        value = np.take_along_axis(self.expected(request), decision.items, 1).sum(axis=1)
        ended = np.ones(len(value), bool)
        return Feedback(request, decision, value + noise * rng.normal(size=len(value)), request, ended, ~ended)


def regret(agent, rounds=60, seed=0, slate_size=1):
    """Return the mean regret of the last third of the rounds."""
    rng, taste, lost = np.random.default_rng(seed), Taste(), []
    for _ in range(rounds):
        request = taste.request(rng, slate_size=slate_size)
        decision = agent.act(request, rng=rng)
        expected = taste.expected(request)
        best = np.sort(expected, axis=1)[:, -slate_size:].sum(axis=1)
        lost.append((best - np.take_along_axis(expected, decision.items, 1).sum(axis=1)).mean())
        agent.update(taste.feedback(request, decision, rng))
    return float(np.mean(lost[-rounds // 3 :]))


@pytest.mark.parametrize("kind", LINEAR)
def test_it_learns_what_each_user_likes(kind):
    # Uniform loses 3.0 a round on these users, the best fixed ranking 2.6.
    assert regret(kind(small_catalogue())) < 0.6


@pytest.mark.parametrize("kind", LINEAR)
def test_it_learns_from_the_reward_of_whole_slates(kind):
    # Uniform loses 6.6 a round, the best fixed slate 5.7.
    assert regret(kind(small_catalogue()), slate_size=3) < 1.5


@pytest.mark.parametrize("kind", ALL)
def test_it_keeps_the_contract(kind, world):
    env = RecSysVectorEnv(8, world=world, horizon=8)
    check_agent(kind(env.catalogue), env)


@pytest.mark.parametrize("kind", ALL)
def test_a_saved_agent_goes_on_bit_for_bit(kind, tmp_path):
    agent, taste, rng = kind(small_catalogue()), Taste(), np.random.default_rng(0)
    rounds = []
    for _ in range(9):
        request = taste.request(rng)
        rounds.append(taste.feedback(request, agent.act(request, rng=rng), rng))
        agent.update(rounds[-1])
    agent.save(tmp_path / "agent")
    other = type(agent).load(tmp_path / "agent")
    for feedback in rounds[:4]:
        agent.update(feedback), other.update(feedback)
    request = taste.request(rng)
    assert_array_equal(agent.scores(request), other.scores(request))
    assert_array_equal(agent.probabilities(request), other.probabilities(request))


@pytest.mark.parametrize("kind", LINEAR)
def test_parts_of_an_explanation_add_up_to_the_score(kind):
    agent, taste, rng = kind(small_catalogue()), Taste(), np.random.default_rng(0)
    request = taste.request(rng, slate_size=2)
    agent.update(taste.feedback(request, agent.act(request, rng=rng), rng))
    decision = Decision(np.array([[3, -1]] * 20), np.ones(20))
    found = agent.explain(request, decision)
    assert_allclose(found.score[:, 0], agent.scores(request)[:, 3])
    assert_allclose(found.intercept + found.features.sum(axis=2) + found.bonus, found.score)
    assert np.isnan(found.score[:, 1]).all()


def rare_riches(kind, rounds=150):
    """Return the share of the last rounds in which an arm that pays 50 for one user in four is found; rest pays 1."""
    rng, agent, found = np.random.default_rng(1), kind(Catalogue(np.zeros((3, 1), "f4"), np.ones(3), 2)), []
    for _ in range(rounds):
        request = Request(rng.normal(size=(20, 2)).astype(np.float32), np.tile(np.arange(3), (20, 1)))
        rich = (request.observation > 0).all(axis=1)
        decision = agent.act(request, rng=rng)
        shown = decision.items[:, 0]
        found.append((shown[rich] == 2).mean() if rich.any() else 1.0)
        reward = np.where((shown == 2) & rich, 50.0, np.where(shown == 0, 1.2, 1.0)) + 0.01 * rng.normal(size=20)
        ended = np.ones(20, bool)
        agent.update(Feedback(request, decision, reward, request, ended, ~ended))
    return float(np.mean(found[-30:]))


@pytest.mark.parametrize("kind", LINEAR)
def test_an_item_that_is_unlike_the_others_is_not_overlooked(kind):
    # Arm 0 pays more than the others for most users and has hardly any noise.
    assert rare_riches(kind) > 0.8


def test_without_caution_it_is_overlooked():
    assert rare_riches(lambda catalogue: LinUCBAgent(catalogue, caution=0.0)) == 0.0


def test_moments_are_the_posterior_and_exploring_moments_are_wider():
    agent, taste, rng = LinUCBAgent(small_catalogue()), Taste(), np.random.default_rng(0)
    request = taste.request(rng)
    agent.update(taste.feedback(request, agent.act(request, rng=rng), rng))
    (mean, deviation), (same, wider) = agent.moments(request), agent.exploring_moments(request)
    assert_array_equal(mean, same)
    assert (wider > deviation).all()
    assert_allclose(agent.scores(request), mean + agent.alpha * wider)


@pytest.mark.parametrize("caution", [-1.0, np.nan, np.inf])
def test_a_caution_that_cannot_be_is_refused(caution):
    with pytest.raises(ValueError, match="caution must be 0 or more"):
        LinUCBAgent(small_catalogue(), caution=caution)


def test_linucb_shows_the_highest_bound_when_exploring_and_the_highest_mean_when_not():
    agent, taste, rng = LinUCBAgent(small_catalogue(), alpha=3.0), Taste(), np.random.default_rng(0)
    for _ in range(5):
        request = taste.request(rng)
        agent.update(taste.feedback(request, agent.act(request, rng=rng), rng))
    mean, deviation = agent.exploring_moments(request)
    decision = agent.act(request, rng=rng)
    assert_array_equal(decision.items[:, 0], (mean + 3.0 * deviation).argmax(axis=1))
    assert_array_equal(decision.probability, np.ones(20))
    assert_array_equal(agent.act(request, rng=rng, explore=False).items[:, 0], mean.argmax(axis=1))


def test_bounds_do_not_depend_on_the_unit_of_the_reward():
    one, other, taste, rng = LinUCBAgent(small_catalogue()), LinUCBAgent(small_catalogue()), Taste(), None
    rng = np.random.default_rng(0)
    for _ in range(40):
        request = taste.request(rng)
        feedback = taste.feedback(request, one.act(request, rng=rng), rng)
        one.update(feedback), other.update(feedback._replace(reward=1000.0 * feedback.reward))
    assert_allclose(other.scores(request), 1000.0 * one.scores(request), rtol=2e-3, atol=2.0)


def test_the_credits_of_a_slate_add_up_and_go_to_what_was_taken():
    expected, took = np.array([[1.0, 2.0, 4.0], [1.0, 1.0, 1.0]]), np.array([[True, False, True], [True] * 3])
    found = slate_credit(expected, np.array([9.0, 0.0]), took)
    assert_allclose(found, [[3.0, 0.0, 6.0], [0.0, 0.0, 0.0]])


def test_squarecb_takes_a_neural_scorer_and_loads_either_kind(tmp_path):
    neural, linear = squarecb_agent(small_catalogue(), scorer="mlp", width=8), squarecb_agent(small_catalogue())
    neural.save(tmp_path / "neural"), linear.save(tmp_path / "linear")
    assert isinstance(LinearSquareCBAgent.load(tmp_path / "neural"), NeuralSquareCBAgent)
    assert isinstance(LinearSquareCBAgent.load(tmp_path / "linear"), LinearSquareCBAgent)


@pytest.mark.parametrize(
    ("kind", "option"),
    [(LinUCBAgent, "alpha"), (LinearThompsonAgent, "width"), (LinearSquareCBAgent, "gamma_scale")],
)
def test_a_negative_strength_is_refused_by_name(kind, option):
    with pytest.raises(ValueError, match=option):
        kind(small_catalogue(), **{option: -1.0})


def test_a_misspelt_option_is_refused_with_the_nearest():
    with pytest.raises(TypeError, match="item_prior"):
        LinUCBAgent(small_catalogue(), item_priors=1.0)
