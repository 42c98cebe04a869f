import numpy as np
import pytest
import torch

from recenv.causal.response_models.likelihoods import Gaussian, Ordinal
from recenv.protocol import Ratings

SCALE = np.array([1.0, 2.0, 4.0])


@pytest.fixture
def train():
    level = np.array([1, 2, 2, 3, 3, 3])
    return Ratings(np.zeros(6, int), np.arange(6), level, np.ones(6), np.arange(6))


def levels(likelihood, x):
    """(L,) the loss of each level at one utility."""
    return likelihood.loss(torch.full((3,), x), torch.tensor([1, 2, 3])).detach().numpy()


def test_ordinal_losses_are_those_of_probabilities(train):
    assert np.exp(-levels(Ordinal(train, SCALE), 0.7)).sum() == pytest.approx(1.0, abs=1e-6)


def test_a_gaussian_loss_by_hand(train):
    likelihood = Gaussian(train, SCALE)
    s, m = float(likelihood.log_scale.detach().exp()), float(likelihood.mean.detach())
    expected = 0.5 * (s * SCALE - m - 0.7) ** 2 / (np.pi**2 / 3) - np.log(s)
    np.testing.assert_allclose(levels(likelihood, 0.7), expected, rtol=1e-5)


def test_an_ordinal_imputed_loss_is_the_mean_over_the_other_models_levels(train):
    likelihood = Ordinal(train, SCALE)
    probability = np.exp(-levels(likelihood, -0.4))
    found = likelihood.imputed_loss(torch.tensor([0.7]), likelihood, torch.tensor([-0.4]))
    assert float(found.detach()) == pytest.approx(float(probability @ levels(likelihood, 0.7)), rel=1e-5)


def test_a_gaussian_imputed_loss_is_the_mean_over_the_other_models_ratings(train):
    likelihood = Gaussian(train, SCALE)
    s, m = float(likelihood.log_scale.detach().exp()), float(likelihood.mean.detach())
    rating = (np.random.default_rng(0).normal(m - 0.4, np.pi / np.sqrt(3), 400_000)) / s
    expected = np.mean(0.5 * (s * rating - m - 0.7) ** 2 / (np.pi**2 / 3) - np.log(s))
    found = likelihood.imputed_loss(torch.tensor([0.7]), likelihood, torch.tensor([-0.4]))
    assert float(found.detach()) == pytest.approx(expected, abs=0.01)


@pytest.mark.parametrize("kind", [Ordinal, Gaussian])
def test_the_imputed_loss_is_least_where_both_models_agree(train, kind):
    likelihood = kind(train, SCALE)
    x = torch.linspace(-2, 2, 81)
    loss = likelihood.imputed_loss(x, likelihood, torch.full_like(x, 0.5)).detach().numpy()
    assert float(x[np.argmin(loss)]) == pytest.approx(0.5, abs=0.06)
