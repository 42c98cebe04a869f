import numpy as np
import pytest
import torch

from recenv.causal.response_models.autoencoder import Autoencoder, AutoencoderConfig, AutoencoderNetwork
from recenv.causal.response_models.history import HistoryTable
from tests.causal.response_models.response_data import few_ratings, response_data


def encoded(config, generator=None):
    data, rng = few_ratings(), np.random.default_rng(0)
    network = AutoencoderNetwork(data, config, rng)
    table = HistoryTable(data.train, data.n_users, data.n_items, rng)
    users = np.array([0, 3])
    history = table.history(users, *table.rows(users), "cpu")
    with torch.no_grad():
        return network.encode(history, generator)


def test_a_variational_code_is_noisy_only_while_learning():
    config = AutoencoderConfig(variational=True, dropout=0.0)
    still, again = encoded(config), encoded(config)
    assert torch.equal(still.state, again.state)
    drawn = [encoded(config, torch.Generator().manual_seed(seed)).state for seed in range(50)]
    assert not torch.equal(drawn[0], drawn[1])
    torch.testing.assert_close(torch.stack(drawn).mean(0), still.state, atol=0.25, rtol=0.0)


def test_half_the_precision_of_the_squares_is_the_divergence_to_the_prior():
    config = AutoencoderConfig(variational=True, dims=1, factor_penalty=4.0)
    data, rng = few_ratings(), np.random.default_rng(0)
    network = AutoencoderNetwork(data, config, rng)
    table = HistoryTable(data.train, data.n_users, data.n_items, rng)
    history = table.history(np.array([2]), *table.rows(np.array([2])), "cpu")
    squares = network._variational(history, torch.tensor([[0.7]]), torch.tensor([[-1.2]]), None).squares
    code = torch.distributions.Normal(0.7, float(np.exp(-0.6)) / 2.0)
    expected = torch.distributions.kl_divergence(code, torch.distributions.Normal(0.0, 0.5))
    assert 2.0 * squares.item() == pytest.approx(expected.item(), rel=1e-5)


@pytest.mark.usefixtures("one_thread")
def test_every_form_of_it_learns(made):
    log, truth = made
    data = response_data(log)
    for options in ({"variational": True}, {"layers": 2}):
        model = Autoencoder(**options)
        model.fit(data, rng=np.random.default_rng(0))
        found = model.utility(*np.divmod(np.arange(truth.size), log.n_items))
        assert np.corrcoef(found, truth.ravel())[0, 1] > 0.65


def test_a_variational_code_needs_a_prior():
    with pytest.raises(ValueError, match="variational needs a factor_penalty above 0"):
        Autoencoder(variational=True, factor_penalty=0.0)
