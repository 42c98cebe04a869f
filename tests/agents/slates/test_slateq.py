import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose

from recenv.agents.slates.slateq import SlateQAgent
from recenv.protocol import Decision, Feedback, Request

FAST = {
    "learning_starts": 32,
    "batch_size": 128,
    "width": 8,
    "dims": 4,
    "learning_rate": 0.02,
    "replay_ratio": 8.0,
    "averaging": 0.9,
    "interaction": 0.03,
    "own": 0.1,
}
WEIGHT = np.array([3.0, 1.0, 1.0, 0.2])
"""Chance of each item to be clicked against 1 for nothing: the first is clickbait."""
WORTH = np.array([1.0, 2.0, 3.0, 8.0])
"""What a click on it brings."""


def played(agent, rng, *, told=True, users=64):
    """Return feedback on the agent's slates: one click at most, by a conditional logit; sessions end at once."""
    request = Request(np.ones((users, 4), np.float32), np.tile(np.arange(4), (users, 1)), 2)
    decision = agent.act(request, rng=rng)
    weight = np.concatenate([WEIGHT[decision.items], np.ones((users, 1))], axis=1)
    chosen = (np.cumsum(weight, 1) / weight.sum(1, keepdims=True) > rng.random((users, 1))).argmax(1)
    clicked = chosen[:, None] == np.arange(2)
    reward = (clicked * WORTH[decision.items]).sum(axis=1)
    no = np.zeros(users, bool)
    return Feedback(request, decision, reward, request, ~no, no, {"consumed": clicked} if told else None)


def taught(agent, batches, **kwargs):
    rng = np.random.default_rng(0)
    for _ in range(batches):
        agent.update(played(agent, rng, **kwargs))
    return agent


@pytest.fixture(scope="module")
def informed():
    from recenv.protocol import Catalogue

    features = np.random.default_rng(0).normal(size=(4, 3)).astype(np.float32)
    return taught(SlateQAgent(Catalogue(features, np.ones(4), 4), gamma=0.0, epsilon=1.0, **FAST), 60)


def test_it_learns_the_choice_model_with_the_no_click_option(informed):
    weights = informed._weights(informed.all_scores("choice", informed.tensor(np.ones((1, 4), np.float32))))[0]
    assert_allclose(weights[:4] / weights[4], WEIGHT, rtol=0.35)


def test_it_learns_what_a_click_on_each_item_brings_and_that_nothing_brings_nothing(informed):
    values = informed._values(informed.all_scores("value", informed.tensor(np.ones((1, 4), np.float32))))[0]
    assert_allclose(values, [*WORTH, 0.0], atol=0.6)


def test_it_shows_the_best_slate_which_is_not_that_of_the_likeliest_clicks(informed):
    # (2, 3): (3 + 1.6) / 2.2 = 2.1; (0, 2): 6 / 5 = 1.2; (1, 2): 5 / 3 = 1.7
    request = Request(np.ones((1, 4), np.float32), np.arange(4)[None], 2)
    assert set(informed.act(request, rng=np.random.default_rng(0), explore=False).items[0]) == {2, 3}


def test_without_being_told_what_was_consumed_it_credits_the_items_of_the_slate_equally(catalogue):
    agent = taught(SlateQAgent(catalogue, gamma=0.0, epsilon=1.0, **FAST), 20, told=False)
    weights = agent._weights(agent.all_scores("choice", agent.tensor(np.ones((1, 4), np.float32))))[0]
    assert not agent.takes_several
    assert_allclose(weights[:4] / weights[:4].mean(), 1.0, atol=0.3)
    assert weights[5] < 0.2 * weights[:4].mean()


def taken_apart(agent, batches):
    """Teach by slates whose items are each taken, or not, by themselves; the second position is seen half the time."""
    rng = np.random.default_rng(0)
    for _ in range(batches):
        request = Request(np.ones((64, 4), np.float32), np.tile(np.arange(4), (64, 1)), 2)
        decision = agent.act(request, rng=rng)
        chance = WEIGHT[decision.items] / (WEIGHT[decision.items] + 1.0) * [1.0, 0.5]
        clicked = rng.random((64, 2)) < chance
        reward, no = (clicked * WORTH[decision.items]).sum(axis=1), np.zeros(64, bool)
        agent.update(Feedback(request, decision, reward, request, ~no, no, {"consumed": clicked}))
    return agent


def test_where_users_take_several_items_each_is_worth_what_it_adds_to_nothing():
    from recenv.protocol import Catalogue

    features = np.random.default_rng(0).normal(size=(4, 3)).astype(np.float32)
    agent = taken_apart(SlateQAgent(Catalogue(features, np.ones(4), 4), gamma=0.0, epsilon=1.0, **FAST), 60)
    found = agent.scores(Request(np.ones((1, 4), np.float32), np.arange(4)[None], 2))[0]
    assert agent.takes_several
    assert_allclose(found, WEIGHT / (WEIGHT + 1.0) * WORTH, atol=0.35)
    assert agent.positions(torch.ones(1, 2))[0, 1].item() < 0.7


@pytest.mark.parametrize("target", ["q_learning", "sarsa"])
def test_it_gives_up_reward_now_for_more_later(catalogue, target):
    """Item 0 brings 1 and ends the session, item 1 brings 0 and then 3: planning pays, being myopic does not."""
    planner, myopic = (_two_steps(SlateQAgent(catalogue, gamma=gamma, target=target, **FAST)) for gamma in (0.9, 0.0))
    assert _first_choice(planner) == 1
    assert _first_choice(myopic) == 0


def _two_steps(agent):
    rng = np.random.default_rng(0)
    start, later = np.array([1.0, 0.0, 0.0, 0.0], np.float32), np.array([0.0, 1.0, 0.0, 0.0], np.float32)
    candidates = np.tile([0, 1], (64, 1))
    for _ in range(40):
        at_start = rng.random(64) < 0.5
        request = Request(np.where(at_start[:, None], start, later), candidates, 1)
        items = rng.integers(2, size=(64, 1))
        reward = np.where(at_start, items[:, 0] == 0, 3.0).astype(float)
        ended = ~at_start | (items[:, 0] == 0)
        following = Request(np.tile(later, (64, 1)), candidates, 1)
        agent.update(Feedback(request, Decision(items, np.full(64, 0.5)), reward, following, ended, ~ended & False))
    return agent


def _first_choice(agent):
    request = Request(np.array([[1.0, 0.0, 0.0, 0.0]], np.float32), np.array([[0, 1]]), 1)
    return int(agent.act(request, rng=np.random.default_rng(0), explore=False).items[0, 0])


def test_the_target_never_looks_at_an_item_that_may_not_be_shown_next(catalogue):
    agent = taught(SlateQAgent(catalogue, gamma=0.5, **FAST), 2)
    rows = agent.replay.sample(4, np.random.default_rng(0))
    only = rows | {"next_allowed": np.packbits(np.tile([[0, 1, 0, 0, 0]], (4, 1)).astype(bool), axis=1)}
    seen = agent.tensor(rows["next_observation"])
    weights, values = agent._weights(agent.all_scores("choice", seen)), agent._values(agent.all_scores("value", seen))
    expected = (weights[:, 1] * values[:, 1] + weights[:, 5] * values[:, 5]) / (weights[:, 1] + weights[:, 5])
    assert_allclose(agent._ahead(only), expected)


@pytest.mark.parametrize(("option", "value"), [("target", "td"), ("optimiser", "greedy"), ("epsilon", 1.5)])
def test_options_are_refused_by_name(catalogue, option, value):
    with pytest.raises(ValueError, match=option):
        SlateQAgent(catalogue, **{option: value})


def test_the_quick_optimiser_ranks_by_weight_times_value(informed, catalogue):
    quick = SlateQAgent(informed.catalogue, gamma=0.0, optimiser="top_k", **FAST)
    quick.learner, quick.rewards, quick.steps = informed.learner, informed.rewards, informed.steps
    request = Request(np.ones((1, 4), np.float32), np.arange(4)[None], 2)
    seen = quick.tensor(request.observation)
    expected = (quick._weights(quick.all_scores("choice", seen)) * quick._values(quick.all_scores("value", seen)))[
        :, :4
    ]
    assert_allclose(quick.scores(request), expected)
