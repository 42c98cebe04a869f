import numpy as np
import pytest
import torch

from recenv.causal.ordinal import level_probabilities
from recenv.causal.response_models.ordinal_loss import Thresholds, negative_log_likelihood


def test_the_loss_is_minus_the_log_of_the_proportional_odds_probability():
    tau = np.array([-1.0, 0.5, 2.0])
    utility = np.array([0.0, 0.0, 0.0, 0.0, 3.0])
    level = np.array([1, 2, 3, 4, 2])
    loss = negative_log_likelihood(*(torch.as_tensor(value) for value in (utility, level, tau)))
    probability = level_probabilities(utility, tau)[np.arange(5), level - 1]
    np.testing.assert_allclose(loss.numpy(), -np.log(probability), rtol=1e-9)
    assert loss[0].item() == pytest.approx(np.log1p(np.e))


def test_loss_and_gradient_are_finite_in_both_tails():
    utility = torch.tensor([-200.0, 200.0, 200.0, -200.0], requires_grad=True)
    loss = negative_log_likelihood(utility, torch.tensor([3, 1, 3, 1]), torch.tensor([-1.0, 1.0]))
    loss.sum().backward()
    assert torch.isfinite(loss).all()
    assert torch.isfinite(utility.grad).all()


def test_thresholds_start_at_the_log_odds_of_the_weighted_level_shares_and_ascend():
    tau = Thresholds(np.array([1, 2, 2, 3]), np.array([9.0, 4.0, 5.0, 9.0]), 3)()
    torch.testing.assert_close(tau, torch.tensor([np.log(0.5), np.log(2.0)], dtype=torch.float32))
    unused = Thresholds(np.array([1, 5]), np.array([1000.0, 1000.0]), 5)()
    assert (torch.diff(unused) > 0).all()
