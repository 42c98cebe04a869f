import itertools

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal

from recenv.agents.slates.ordered_slates import gumbel_top_k, position_log_likelihood

LOGITS = np.log(np.array([1.0, 2.0, 3.0, 4.0]))


def probability(logits, slates):
    many = np.broadcast_to(logits, (len(slates), len(logits))).copy()
    return np.exp(position_log_likelihood(torch.tensor(many), torch.tensor(slates)).sum(1).numpy())


def test_a_slate_worked_by_hand():
    # weights 1, 2, 3, 4: 4/10 for item 3, then 2/6 for item 1, then 1/4 for item 0
    assert probability(LOGITS, [[3, 1, 0]])[0] == pytest.approx(0.4 * (2 / 6) * (1 / 4))


@pytest.mark.parametrize("size", [1, 2, 3, 4])
def test_the_probabilities_of_all_ordered_slates_sum_to_one(size):
    slates = list(itertools.permutations(range(4), size))
    assert probability(LOGITS, slates).sum() == pytest.approx(1.0)


def test_drawn_slates_come_up_as_often_as_their_probability_says():
    drawn = gumbel_top_k(np.tile(LOGITS, (40_000, 1)), 2, np.random.default_rng(0))
    slates = list(itertools.permutations(range(4), 2))
    shares = [(drawn == slate).all(axis=1).mean() for slate in slates]
    assert_allclose(shares, probability(LOGITS, slates), atol=0.008)


def test_what_is_not_there_is_never_drawn_and_positions_without_candidates_are_certain():
    logits = np.array([[0.0, -np.inf, 1.0], [-np.inf, -np.inf, -np.inf]])
    columns = gumbel_top_k(logits, 4, np.random.default_rng(0))
    assert set(columns[0, :2]) == {0, 2}
    assert_array_equal(columns[0, 2:], [-1, -1])
    assert_array_equal(columns[1], [-1, -1, -1, -1])
    factors = position_log_likelihood(torch.tensor(logits), torch.tensor(columns))
    assert_allclose(factors[1].numpy(), 0.0)
    assert_allclose(factors[0, 1:].numpy(), 0.0)


def test_the_gradient_is_that_of_finite_differences():
    slates = torch.tensor([[2, 0], [1, 3]])
    logits = torch.tensor(np.random.default_rng(0).normal(size=(2, 4)), requires_grad=True)
    position_log_likelihood(logits, slates).sum().backward()
    step, numeric = 1e-6, np.zeros((2, 4))
    for row, column in itertools.product(range(2), range(4)):
        moved = [logits.detach().clone() for _ in range(2)]
        moved[0][row, column] += step
        moved[1][row, column] -= step
        up, down = (float(position_log_likelihood(one, slates).sum()) for one in moved)
        numeric[row, column] = (up - down) / (2 * step)
    assert_allclose(logits.grad.numpy(), numeric, atol=1e-7)


def test_the_gradient_is_finite_where_items_are_masked_and_positions_empty():
    logits = torch.tensor([[0.3, -torch.inf, 0.1], [-torch.inf, 0.2, -torch.inf]], requires_grad=True)
    position_log_likelihood(logits, torch.tensor([[2, 0, -1], [1, -1, -1]])).sum().backward()
    assert torch.isfinite(logits.grad).all()
    assert_allclose(logits.grad[1].numpy(), 0.0)
