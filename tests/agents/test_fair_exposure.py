import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from recenv.agents import PopularityAgent, ScoreAgent, Softmax, UniformAgent
from recenv.agents.fair_exposure import FairExposure, fair_exposure_agent, nearest_within, popularity_thirds
from recenv.causal import World
from recenv.envs import RecSysVectorEnv
from recenv.fairness import fairness_in_world
from recenv.groups import Groups
from recenv.protocol import Request
from recenv.testing import check_agent
from recenv.training import train

GROUPS = np.array([0, 0, 0, 0, 0, 0, 1, 1, 1, 2])


class Scores(ScoreAgent):
    def __init__(self, scores, temperature=None):
        self.values = np.asarray(scores, float)
        if temperature:
            self.exploration = Softmax(temperature)

    def scores(self, request):
        return self.values[request.candidates]


class OnlyProbabilities:
    """No scores: a softmax of the item id."""

    def __init__(self):
        self.inner = Scores(np.arange(10), 2.0)

    def act(self, request, *, rng, explore=True):
        return self.inner.act(request, rng=rng, explore=explore)

    def probabilities(self, request):
        return self.inner.probabilities(request)


def asked(rows=5, slate=1, hidden=()):
    candidates = np.tile(np.arange(10), (rows, 1))
    candidates[:, list(hidden)] = -1
    return Request(np.zeros((rows, 1), np.float32), candidates, slate)


def shares(probability):
    return np.stack([probability[:, group == GROUPS].sum(axis=1) for group in range(3)], axis=1)


@pytest.fixture(scope="module")
def env():
    return RecSysVectorEnv(8, world=World.synthetic(0, users=120, items=60, topics=4), horizon=5)


@pytest.mark.parametrize("max_gap", [0.0, 0.05, 0.3, 1.0])
@pytest.mark.parametrize("agent", [Scores(np.arange(10.0)), Scores(np.arange(10.0), 0.7), OnlyProbabilities()])
def test_every_groups_share_is_within_the_bound_of_its_target(agent, max_gap):
    probability = FairExposure(agent, GROUPS, max_gap).probabilities(asked())
    assert_allclose(probability.sum(axis=1), 1.0, atol=1e-12)
    assert (np.abs(shares(probability) - [0.6, 0.3, 0.1]) <= max_gap + 1e-12).all()


def test_a_bound_of_one_changes_nothing():
    agent = Scores(np.arange(10.0), 0.7)
    assert_allclose(FairExposure(agent, GROUPS, 1.0).probabilities(asked()), agent.probabilities(asked()), atol=1e-15)


def test_a_bound_that_the_agent_keeps_by_itself_changes_nothing():
    agent = UniformAgent.__new__(UniformAgent)
    assert_allclose(FairExposure(agent, GROUPS, 0.0).probabilities(asked()), 0.1, atol=1e-15)


def test_what_is_cut_goes_to_the_group_whose_best_item_scores_highest():
    # The agent shows item 9 (group 2, target 0.1) only; item 2 of group 0 is second, item 6 of group 1 third.
    agent = Scores([0, 0, 8, 0, 0, 0, 7, 0, 0, 9])
    probability = FairExposure(agent, GROUPS, 0.2).probabilities(asked(1))[0]
    assert_allclose(probability[[9, 2, 6]], [0.3, 0.6, 0.1], atol=1e-15)
    assert probability.sum() == pytest.approx(1.0)


def test_within_a_group_the_agents_own_proportions_stay():
    agent = Scores(np.arange(10.0), 0.7)
    bounded, own = FairExposure(agent, GROUPS, 0.1).probabilities(asked(1))[0], agent.probabilities(asked(1))[0]
    for group in range(3):
        inside = group == GROUPS
        assert_allclose(bounded[inside] / bounded[inside].sum(), own[inside] / own[inside].sum(), atol=1e-12)


def test_a_group_without_candidates_leaves_its_target_to_the_others():
    probability = FairExposure(Scores(np.arange(10.0)), GROUPS, 0.0).probabilities(asked(hidden=[9]))
    assert_allclose(shares(probability), np.tile([2 / 3, 1 / 3, 0.0], (5, 1)), atol=1e-12)


def test_groups_without_a_target_share_where_nothing_else_is_left():
    agent = FairExposure(Scores(np.arange(10.0)), GROUPS, 0.0, target=[1.0, 0.0, 0.0])
    probability = agent.probabilities(asked(hidden=range(6)))
    assert_allclose(shares(probability), np.tile([0.0, 0.5, 0.5], (5, 1)), atol=1e-12)


def test_each_position_of_a_slate_keeps_the_bound():
    agent, rows = FairExposure(Scores(np.arange(10.0)), GROUPS, 0.1), 20_000
    for explore in (True, False):
        decision = agent.act(asked(rows, slate=1), rng=np.random.default_rng(0), explore=explore)
        share = np.bincount(GROUPS[decision.items[:, 0]], minlength=3) / rows
        assert (np.abs(share - [0.6, 0.3, 0.1]) < 0.1 + 4 * np.sqrt(0.25 / rows)).all()
    # Group 2 has one item: where it was shown first, its target falls to the others at the second position.
    decision = agent.act(asked(rows, slate=2), rng=np.random.default_rng(1))
    rest = decision.items[:, 0] != 9
    second = np.bincount(GROUPS[decision.items[rest, 1]], minlength=3) / rest.sum()
    assert (np.abs(second - [0.6, 0.3, 0.1]) < 0.1 + 4 * np.sqrt(0.25 / rest.sum())).all()
    assert all(len(set(slate)) == 2 for slate in decision.items[:100].tolist())


def test_probabilities_of_slates_are_exact():
    agent = FairExposure(Scores([1.0, 2.0, 3.0, 4.0], 1.0), [0, 0, 1, 1], 0.1)
    request = Request(np.zeros((40_000, 1), np.float32), np.tile(np.arange(4), (40_000, 1)), 2)
    decision = agent.act(request, rng=np.random.default_rng(0))
    slates, first, counts = np.unique(decision.items, axis=0, return_index=True, return_counts=True)
    claimed = decision.probability[first]
    assert claimed.sum() == pytest.approx(1.0)
    assert len(slates) == 12
    assert (np.abs(counts / 40_000 - claimed) < 5 * np.sqrt(claimed / 40_000)).all()


def test_an_empty_request_is_certain_and_shows_nothing():
    decision = FairExposure(Scores(np.arange(10.0)), GROUPS, 0.1).act(
        asked(2, slate=2, hidden=range(9)), rng=np.random.default_rng(0)
    )
    assert_array_equal(decision.items, [[9, -1], [9, -1]])
    assert_allclose(decision.probability, 1.0)


@pytest.mark.parametrize("groups", [2, 5])
def test_the_nearest_probabilities_have_the_least_total_variation(groups):
    rng = np.random.default_rng(groups)
    mass = rng.dirichlet(np.full(groups, 0.3), size=500)
    target, gap = rng.dirichlet(np.ones(groups), size=500), rng.uniform(0, 0.5, size=(500, 1))
    low, high = np.maximum(target - gap, 0), np.minimum(target + gap, 1)
    near = nearest_within(mass, low, high, rng.random(mass.shape))
    assert_allclose(near.sum(axis=1), 1.0, atol=1e-12)
    assert (near >= low - 1e-12).all()
    assert (near <= high + 1e-12).all()
    least = np.maximum(np.maximum(mass - high, 0).sum(axis=1), np.maximum(low - mass, 0).sum(axis=1))
    assert_allclose(np.abs(near - mass).sum(axis=1) / 2, least, atol=1e-12)


def test_it_keeps_the_contract_of_agents(env):
    check_agent(fair_exposure_agent(env.catalogue, agent="softmax", max_gap=0.1), env)
    check_agent(fair_exposure_agent(env.catalogue, agent="popularity", max_gap=0.0), env)


def test_the_measured_exposure_in_a_world_keeps_the_bound_and_the_unbounded_agents_does_not(env):
    groups = Groups("popularity", ("rare", "middle", "popular"), popularity_thirds(env.catalogue.popularity))
    popular = PopularityAgent(env.catalogue)
    free = fairness_in_world(popular, env, items=groups)
    bounded = fairness_in_world(FairExposure(popular, groups.code, 0.1), env, items=groups)
    assert free.exposure_gap > 0.6
    assert bounded.exposure_gap < 0.13


def test_saved_it_goes_on_as_it_was(env, tmp_path):
    agent = fair_exposure_agent(env.catalogue, max_gap=0.1, seed=3, learning_starts=50)
    train(agent, env, 200, rng=np.random.default_rng(0))
    agent.save(tmp_path / "saved")
    again = FairExposure.load(tmp_path / "saved")
    for one in (agent, again):
        train(one, env, 200, rng=np.random.default_rng(1))
    request = env.request(env.reset(seed=5)[0])
    assert_array_equal(agent.probabilities(request), again.probabilities(request))
    assert again.trained_on == agent.trained_on


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"max_gap": 1.5}, "max_gap must be in"),
        ({"groups": [0.5] * 10}, "groups must be a code"),
        ({"groups": [-1] * 10}, "groups must be a code"),
        ({"target": [0.5, 0.5]}, "target must be 3 shares"),
        ({"target": [0.9, 0.9, -0.8]}, "target must be 3 shares"),
    ],
)
def test_what_is_no_bound_is_refused(options, words):
    with pytest.raises(ValueError, match=words):
        FairExposure(Scores(np.arange(10.0)), **{"groups": GROUPS, "max_gap": 0.1, **options})


def test_an_agent_without_probabilities_is_refused():
    with pytest.raises(TypeError, match="has no act"):
        FairExposure(object(), GROUPS, 0.1)


def test_it_owns_a_loop_only_where_its_agent_does():
    assert not hasattr(FairExposure(Scores(np.arange(10.0)), GROUPS, 0.1), "learn")


def test_thirds_by_popularity_are_equal_and_in_order():
    assert_array_equal(popularity_thirds(np.array([9, 1, 5, 5, 0, 7])), [2, 0, 1, 1, 0, 2])
