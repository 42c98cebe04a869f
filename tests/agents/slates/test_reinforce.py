import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose

from recenv.agents.slates.policy_gradient import Slates, entropy, inclusion
from recenv.agents.slates.reinforce import ReinforceAgent, top_k_correction

LOGITS = torch.tensor(np.log([[0.1, 0.2, 0.3, 0.4]]))


def test_the_correction_is_the_derivative_of_the_chance_to_be_in_the_slate():
    chance = torch.tensor([0.1, 0.5, 0.9], dtype=torch.float64, requires_grad=True)
    inclusion(chance, 3).sum().backward()
    assert_allclose(top_k_correction(chance.detach().log(), 3).numpy(), chance.grad.numpy())
    assert_allclose(top_k_correction(chance.detach().log(), 3).numpy(), 3 * (1 - np.array([0.1, 0.5, 0.9])) ** 2)


def test_with_one_item_there_is_nothing_to_correct():
    assert_allclose(top_k_correction(torch.tensor([-0.1, -3.0]), 1).numpy(), 1.0)


@pytest.mark.parametrize("size", [1, 2])
def test_its_gradient_is_unbiased_whatever_the_critic_says(catalogue, size):
    """Averaged over what the old policy draws, it is the gradient of the expected credit of the items in the slate."""
    worth = torch.tensor([[3.0, -1.0, 2.0, 0.5]], dtype=torch.float64)
    behaviour = torch.tensor([0.4, 0.3, 0.2, 0.1], dtype=torch.float64)
    agent, gradients = ReinforceAgent(catalogue), []
    for critic in (torch.zeros(1, 4, dtype=torch.float64), worth + 0.7, torch.full((1, 4), -2.0, dtype=torch.float64)):
        logits = LOGITS.clone().requires_grad_()
        for item in range(4):
            # One draw of the old policy, as if every position were one: K of them are independent.
            own = torch.softmax(LOGITS, 1)[0, item] / behaviour[item]
            items = torch.tensor([[item] + [-1] * (size - 1)])
            # In the position that the one item has, it earns what it is worth there.
            weights = torch.tensor([[0.4] + [0.0] * (size - 1)], dtype=torch.float64)
            credits = weights * worth[:, item : item + 1]
            slates = Slates(logits, items, critic, credits, weights, own[None])
            (behaviour[item] * agent.objective(slates).sum()).backward()
        gradients.append(logits.grad.numpy())
    truth = LOGITS.clone().requires_grad_()
    (inclusion(torch.softmax(truth, 1), size) * worth).sum().backward()
    for gradient in gradients:
        assert_allclose(gradient, truth.grad.numpy(), atol=1e-12)


def test_entropy_is_that_of_the_allowed_items():
    logits = torch.tensor([[0.0, -torch.inf, 0.0], [1.0, -torch.inf, -torch.inf]], requires_grad=True)
    value = entropy(logits)
    value.sum().backward()
    assert_allclose(value.detach().numpy(), [np.log(2.0), 0.0], atol=1e-7)
    assert torch.isfinite(logits.grad).all()
