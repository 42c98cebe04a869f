"""Every agent that scores by a network says what moved a score; what it says adds up."""

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal

from recenv.agents import explained_scores, make_agent
from recenv.agents.explained_scores import ScoreExplanation, explained_towers, integrated_gradients
from recenv.agents.towers import DuelingTowers, TowerNetwork
from recenv.envs import RecSysVectorEnv
from recenv.feedback import collect
from recenv.protocol import Catalogue, Decision, Request
from recenv.training import train

SMALL = {"width": 8, "dims": 4}
LEARNS = {"learning_starts": 64, "batch_size": 32, "replay_ratio": 8.0, "learning_rate": 0.01, **SMALL}
ONLINE = {
    "dqn": LEARNS,
    "dueling": {"dueling": True, "gamma": 0.5, **LEARNS},
    "single": {"double": False, **LEARNS},
    "slateq": LEARNS,
    "plackett_luce": LEARNS,
    "reinforce": LEARNS,
    "ppo": {"rollout": 128, "batch_size": 64, "epochs": 2, **SMALL},
}
OFFLINE = ("ips_learner", "dr_learner", "recenv.agents.offline.policy:dm_learner")
DECIDERS = (*ONLINE, *OFFLINE)


NAMES = {"dueling": "dqn", "single": "dqn"}


@pytest.fixture(scope="module")
def learned(world):
    """Return agents by case, each taught once."""
    env, kept = RecSysVectorEnv(32, world=world, horizon=8), {}
    log = collect(env, make_agent("uniform", env.catalogue), rounds=3, seed=0, allow_overlap=True)

    def of(case):
        if case not in kept:
            agent = make_agent(NAMES.get(case, case), env.catalogue, **ONLINE.get(case, {"steps": 60, **SMALL}))
            if case in ONLINE:
                train(agent, env, 640, rng=np.random.default_rng(0), eval_every=640)
            else:
                agent.fit(log)
            kept[case] = agent
        return kept[case]

    return of


def request_from(world, seed=3):
    env = RecSysVectorEnv(16, world=world, horizon=8)
    return env.request(env.reset(seed=seed)[0])


def scored(agent, request, items):
    """Return (B, K) what the explanation is of: the agent's scores, of SlateQ the value of each item shown alone."""
    if agent.name != "slateq":
        return np.take_along_axis(agent.scores(request), items, axis=1)
    seen = torch.as_tensor(request.observation)
    weights, values = agent._weights(agent.all_scores("choice", seen)), agent._values(agent.all_scores("value", seen))
    weight, value = (np.take_along_axis(table, items, axis=1) for table in (weights, values))
    return (weights[:, -1:] * values[:, -1:] + weight * value) / (weights[:, -1:] + weight)


def total(explained):
    parts = explained.state.sum(axis=2) + explained.item.sum(axis=2) + explained.own + explained.history
    return explained.baseline + parts


@pytest.mark.parametrize("case", DECIDERS)
def test_shares_add_up_to_the_score_that_decided_less_its_baseline(world, learned, case):
    agent, request = learned(case), request_from(world)
    decision = agent.act(request, rng=np.random.default_rng(0))
    explained = agent.explain(request, decision)
    assert_allclose(explained.score, scored(agent, request, decision.items), rtol=1e-3, atol=1e-4)
    assert_allclose(total(explained), explained.score, rtol=1e-4, atol=1e-4)
    assert np.abs(explained.score - explained.baseline).max() > 0.05


@pytest.mark.parametrize("case", ["slateq", "plackett_luce", "reinforce"])
def test_every_position_of_a_slate_is_explained(world, learned, case):
    agent, request = learned(case), request_from(world)._replace(slate_size=3)
    decision = agent.act(request, rng=np.random.default_rng(0), explore=False)
    explained = agent.explain(request, decision)
    assert_allclose(explained.score, scored(agent, request, decision.items), rtol=1e-3, atol=1e-4)
    assert_allclose(total(explained), explained.score, rtol=1e-4, atol=1e-4)


def test_who_ranks_by_another_agents_relevance_explains_that(world, learned):
    from recenv.agents.slates.diverse_greedy import DiverseGreedyAgent

    relevance, request = learned("slateq"), request_from(world)
    agent = DiverseGreedyAgent(relevance, relevance.catalogue.features, 0.3)
    decision = agent.act(request, rng=np.random.default_rng(0))
    assert_array_equal(agent.explain(request, decision).item, relevance.explain(request, decision).item)


@pytest.mark.parametrize("case", DECIDERS)
def test_the_baseline_is_the_same_for_everybody_and_empty_positions_have_none(world, learned, case):
    request = request_from(world)
    explained = learned(case).explain(request, Decision(np.array([[4], [-1]] * 8), np.ones(16)))
    assert np.isnan(explained.score[1::2]).all()
    nothing = learned(case).explain(request, Decision(np.full((16, 1), -1), np.ones(16)))
    assert all(np.isnan(part).all() for part in nothing)
    assert_allclose(explained.baseline[0::2], explained.baseline[0, 0], rtol=1e-5)


@pytest.mark.parametrize("kind", [TowerNetwork, DuelingTowers])
def test_a_feature_that_does_nothing_has_no_share(kind):
    rng = np.random.default_rng(0)
    features = rng.normal(size=(7, 3)).astype(np.float32)
    features[:, 1] = 5.0  # the same for all items
    network = kind(features, 4, width=6, dims=5, rng=rng)
    with torch.no_grad():
        network.item_vector.normal_(generator=torch.Generator().manual_seed(0))
        for layer in (network.state_tower.skip, network.state_tower.hidden):
            layer.weight[:, 2] = 0.0  # a column of the observation that is not looked at
    observation = torch.as_tensor(rng.normal(size=(3, 4)), dtype=torch.float32)
    items = np.array([[0, 6], [3, 1], [5, 2]])
    explained = explained_towers(network.score_of, network, observation, items)
    assert_array_equal(explained.item[:, :, 1], 0.0)
    assert_array_equal(explained.state[:, :, 2], 0.0)
    assert (np.abs(explained.item[:, :, [0, 2]]) > 0).all()
    assert (np.abs(explained.state[:, :, [0, 1, 3]]) > 0).all()
    with torch.no_grad():
        table = network.scores(observation).numpy()
    assert_allclose(explained.score, np.take_along_axis(table, items, axis=1), rtol=1e-4, atol=1e-5)
    assert_allclose(total(explained), explained.score, atol=1e-5)


def test_a_linear_score_is_split_exactly():
    inputs = torch.tensor([[1.0, -2.0], [3.0, 0.5]]), torch.tensor([2.0, 4.0])
    score, baseline, (first, second) = integrated_gradients(
        lambda x, y: x @ torch.tensor([10.0, 1.0]) + 3.0 * y + 7.0, *inputs
    )
    assert_allclose(score, [21.0, 49.5])
    assert_allclose(baseline, [7.0, 7.0])
    assert_allclose(first, [[10.0, -2.0], [30.0, 0.5]], rtol=1e-5)
    assert_allclose(second, [6.0, 12.0], rtol=1e-5)


def test_a_product_of_state_and_item_is_shared_in_halves():
    _, _, (state, item) = integrated_gradients(lambda x, y: x * y, torch.tensor([3.0]), torch.tensor([4.0]))
    assert_allclose([state, item], [[6.0], [6.0]], rtol=1e-5)


def test_the_error_of_the_integral_is_small_before_it_is_shared_out(monkeypatch):
    monkeypatch.setattr(explained_scores, "_adding_up", lambda parts, whole: parts)
    inputs = torch.tensor([[0.7, -1.3, 2.1]]), torch.tensor([[1.0, 0.4]])

    def bent(x, y):
        return torch.relu(x.sum(dim=1) - 0.31) * 2.0 + torch.relu(0.4 - y[:, 0]) * x[:, 1] + (x[:, 2] * y[:, 1]) ** 2

    whole, baseline, parts = integrated_gradients(bent, *inputs)
    assert abs(sum(float(part.sum()) for part in parts) - float(whole - baseline)) < 0.01 * abs(float(whole - baseline))


def test_what_decides_is_what_the_explanation_names():
    """The reward of an item is its first feature for users whose second column is positive, and minus it for others."""
    from recenv.agents.planning.dqn import DQNAgent
    from recenv.protocol import Feedback

    rng = np.random.default_rng(0)
    features = rng.normal(size=(20, 3)).astype(np.float32)
    agent = DQNAgent(Catalogue(features, np.ones(20), 4), gamma=0.0, **{**LEARNS, "width": 16})
    for _ in range(40):
        request = Request(rng.normal(size=(64, 4)).astype(np.float32), np.tile(np.arange(20), (64, 1)))
        items = rng.integers(20, size=(64, 1))
        reward = np.sign(request.observation[:, 1]) * features[items[:, 0], 0].astype(float)
        ends = np.ones(64, bool)
        agent.update(Feedback(request, Decision(items, np.full(64, 0.05)), reward, request, ends, ~ends))
    decision = agent.act(request, rng=rng, explore=False)
    explained = agent.explain(request, decision)
    size = np.abs(explained.state[:, 0]).mean(axis=0)
    assert size.argmax() == 1
    assert size[1] > 2 * np.delete(size, 1).max()
    names = ["age", "mood of the day", "weekday", "hour"]
    words = [explained.words(row, state_names=names, item_names=["tempo"]) for row in range(64)]
    assert all("mood of the day +" in one for one in words)
    assert sum("tempo" in one for one in words) > 30


EXAMPLE = ScoreExplanation(
    score=np.array([[1.5, np.nan]]),
    baseline=np.array([[1.0, np.nan]]),
    state=np.array([[[0.0, 0.4], [np.nan, np.nan]]]),
    item=np.array([[[-0.3, 0.1], [np.nan, np.nan]]]),
    own=np.array([[0.3, np.nan]]),
    history=np.array([[0.0, np.nan]]),
)


def test_words_name_features_the_largest_first():
    assert EXAMPLE.words(0) == (
        "a score of 1.50, where an average item has 1.00; for it state column 1 +0.40, the item itself +0.30, "
        "item feature 1 +0.10; against it item feature 0 -0.30"
    )
    named = EXAMPLE.words(0, state_names=("age", "mood"), item_names=("tempo",))
    assert "for it mood +0.40, the item itself +0.30, item feature 1 +0.10; against it tempo -0.30" in named
    assert EXAMPLE.words(0, 1) == "an empty position: nothing was scored there"


def test_in_other_units_the_parts_grow_and_the_level_moves():
    found = EXAMPLE.in_units(2.0, 10.0)
    assert (found.score[0, 0], found.baseline[0, 0], found.own[0, 0]) == (17.0, 12.0, 3.0)
    assert total(found)[0, 0] == pytest.approx(17.0)


@pytest.mark.parametrize("case", ["dqn", "ppo", "slateq", "plackett_luce", *OFFLINE])
def test_who_has_not_learned_says_so(world, case):
    request = request_from(world)
    agent = make_agent(case, RecSysVectorEnv(2, world=world).catalogue)
    with pytest.raises(ValueError, match="nothing explains"):
        agent.explain(request, Decision(np.zeros((16, 1), int), np.ones(16)))


def test_items_of_another_catalogue_are_refused(world, learned):
    with pytest.raises(ValueError, match="candidates hold item 999"):
        learned("dqn").explain(request_from(world), Decision(np.full((16, 1), 999), np.ones(16)))
