import numpy as np
import pytest
import torch
from torch import nn

from recenv.causal.response_models.history import HistoryTable
from recenv.causal.response_models.layers import RatingSum, dropout, fill, linear
from tests.causal.response_models.response_data import few_ratings


def test_dropout_keeps_the_mean_and_is_off_without_a_generator():
    values = torch.ones(200, 100)
    dropped = dropout(values, 0.4, torch.Generator().manual_seed(1))
    assert sorted(set(dropped.flatten().tolist())) == pytest.approx([0.0, 1 / 0.6])
    assert dropped.mean().item() == pytest.approx(1.0, abs=0.02)
    assert dropout(values, 0.4, None) is values


def test_fill_draws_weights_from_the_generator_and_leaves_norms_at_one():
    def made(seed):
        module = nn.ModuleDict({"map": linear(4, 3), "norm": nn.LayerNorm(4)})
        module.table = nn.Parameter(torch.empty(500, 8))
        fill(module, np.random.default_rng(seed))
        return module

    one, same, other = made(0), made(0), made(1)
    assert torch.equal(one.table, same.table)
    assert not torch.equal(one["map"].weight, other["map"].weight)
    assert one["map"].weight.abs().max() <= 0.5
    assert one["map"].bias.tolist() == [0.0] * 3
    assert one["norm"].weight.tolist() == [1.0] * 4
    assert one.table.std().item() == pytest.approx(0.1, rel=0.05)


def test_the_rating_sum_is_its_equation():
    data = few_ratings()
    table = HistoryTable(data.train, data.n_users, data.n_items, np.random.default_rng(0))
    users = np.array([2, 3, 0])
    history = table.history(users, *table.rows(users), "cpu")
    layer = RatingSum(data.n_items, 2)
    fill(layer, np.random.default_rng(0))
    found = layer(history).detach()
    item, residual = history.item[:2], history.residual[:2, None]
    expected = (layer.rated[item] + residual * layer.liked[item]).sum(0) / np.sqrt(3.0)
    assert found[0].tolist() == [0.0, 0.0]
    torch.testing.assert_close(found[1], expected.detach())
