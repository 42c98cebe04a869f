import itertools

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose

from recenv.agents.slates.ordered_slates import position_log_likelihood
from recenv.agents.slates.plackett_luce import PlackettLuceAgent
from recenv.agents.slates.policy_gradient import Slates
from recenv.protocol import Decision, Feedback, Request

LOGITS = torch.tensor([[0.3, -0.2, 0.8]], dtype=torch.float64)


def test_its_gradient_is_that_of_the_expected_reward_of_a_slate_where_the_critic_is_silent(catalogue):
    """Averaged over what an old policy draws; the reward depends on the slate as a whole, not on its items alone."""
    slates = torch.tensor(list(itertools.permutations(range(3), 2)))
    worth = torch.tensor([5.0, -1.0, 0.0, 2.0, 1.0, -3.0], dtype=torch.float64)
    count, silent = len(slates), torch.zeros(6, 3, dtype=torch.float64)
    behaviour = torch.full((count,), 1 / count, dtype=torch.float64)
    agent = PlackettLuceAgent(catalogue, weight_cap=100.0)
    logits, truth = LOGITS.clone().requires_grad_(), LOGITS.clone().requires_grad_()
    own = torch.exp(position_log_likelihood(LOGITS.expand(count, 3), slates).sum(1))
    credits = torch.stack([worth, torch.zeros_like(worth)], 1)
    batch = Slates(
        logits.expand(count, 3), slates, silent, credits, torch.ones(count, 2).double(), (own / behaviour) ** 0.5
    )
    (behaviour * agent.objective(batch)).sum().backward()
    chance = torch.exp(position_log_likelihood(truth.expand(count, 3), slates).sum(1))
    (chance * worth).sum().backward()
    assert_allclose(logits.grad.numpy(), truth.grad.numpy(), atol=1e-12)


def test_importance_weights_of_slates_are_capped(catalogue):
    agent = PlackettLuceAgent(catalogue, weight_cap=2.0)
    grads = []
    for ratio in (3.0, 2.0**0.5):
        logits = LOGITS.clone().requires_grad_()
        values, ones = torch.zeros(1, 3).double(), torch.ones(1, 2).double()
        batch = Slates(logits, torch.tensor([[0, 1]]), values, ones, ones, torch.tensor([ratio]))
        agent.objective(batch).sum().backward()
        grads.append(logits.grad.numpy())
    assert_allclose(grads[0], grads[1], rtol=1e-6)


def test_the_prefix_probabilities_multiply_to_that_of_the_slate(catalogue):
    agent = PlackettLuceAgent(catalogue)
    request = Request(np.zeros((3, 4), np.float32), np.array([[0, 1, 2], [3, -1, 4], [-1, -1, 2]]), 2)
    decision = agent.act(request, rng=np.random.default_rng(0))
    prefix = decision.extra["propensity_prefix"]
    weight = 1.0 + catalogue.popularity  # before it has learned, items are as likely as they are popular
    for row, (candidates, items) in enumerate(zip(request.candidates[:2], decision.items[:2], strict=True)):
        total, first = weight[candidates[candidates >= 0]].sum(), weight[items[0]]
        expected = [first / total, first / total * weight[items[1]] / (total - first)]
        assert_allclose(prefix[row], expected)
    assert_allclose(prefix[2], 1.0)
    assert_allclose(decision.probability, prefix[:, -1])


def test_it_learns_that_two_items_go_together_which_no_sum_over_items_tells(catalogue):
    """Slates (0, 1) and (2, 3) in any order bring 1, others nothing: items alone are all worth the same."""
    options = {"learning_starts": 32, "batch_size": 64, "width": 8, "dims": 4, "replay_ratio": 8.0}
    agent, rng = PlackettLuceAgent(catalogue, seed=2, learning_rate=0.02, **options), np.random.default_rng(0)
    for _ in range(40):
        request = Request(np.ones((32, 4), np.float32), np.tile(np.arange(4), (32, 1)), 2)
        decision = agent.act(request, rng=rng)
        no, pair = np.zeros(32, bool), np.sort(decision.items, axis=1)
        reward = ((pair == [0, 1]).all(axis=1) | (pair == [2, 3]).all(axis=1)).astype(float)
        agent.update(Feedback(request, Decision(*decision[:2]), reward, request, ~no, no))
    assert reward.mean() > 0.8  # uniform: one in three


@pytest.mark.parametrize("probability", [np.nan, 0.05])
def test_an_unknown_probability_of_what_acted_counts_as_its_own(catalogue, probability):
    agent = PlackettLuceAgent(catalogue, learning_starts=8, batch_size=8)
    request = Request(np.ones((8, 4), np.float32), np.tile(np.arange(5), (8, 1)), 2)
    no = np.zeros(8, bool)
    shown = Decision(np.tile([1, 2], (8, 1)), np.full(8, probability))
    metrics = agent.update(Feedback(request, shown, np.arange(8.0), request, ~no, no))
    assert np.isfinite(metrics["loss"])


def test_an_item_that_nobody_took_earned_less_than_one_that_was_taken_even_in_a_poor_slate(catalogue):
    agent = PlackettLuceAgent(catalogue)
    agent.rewards.add(np.array([[2.0, 0.0], [4.0, 0.0]]))  # mean 3
    rows = {
        "reward": np.array([2.0, 0.0]),
        "items": np.array([[0, 1, 2], [3, 4, -1]]),
        "consumed": np.array([[False, True, False], [False, False, False]]),
        "terminated": np.zeros(2, bool),
    }
    spread, level = agent.spread(0.0), torch.tensor([[1.0, 1.0, 1.0], [1.5, 1.5, 0.0]]) / agent.spread(0.0)
    earned = (agent._earned(torch.zeros(2, 3), level, rows) - level).numpy()
    assert_allclose(earned[0] * spread, [-1.0, 2.0 - 1.0, -1.0], rtol=1e-5)
    assert_allclose(earned.sum(axis=1) * spread, [2.0 - 3.0, 0.0 - 3.0], rtol=1e-5)
    assert earned[1, 2] == 0.0
