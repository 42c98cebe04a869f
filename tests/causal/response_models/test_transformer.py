import numpy as np
import pytest
import torch

from recenv.causal.response_models.history import HistoryTable
from recenv.causal.response_models.layers import fill
from recenv.causal.response_models.transformer import Block, Transformer, TransformerConfig, TransformerNetwork
from tests.causal.response_models.response_data import few_ratings, response_data


def test_a_position_reads_no_later_one():
    block = Block(TransformerConfig(dims=8))
    fill(block, np.random.default_rng(0))
    tokens = torch.randn(2, 5, 8, generator=torch.Generator().manual_seed(0))
    changed = tokens.clone()
    changed[:, 3, 0] += 1.0
    with torch.no_grad():
        before, after = block(tokens, None), block(changed, None)
    torch.testing.assert_close(before[:, :3], after[:, :3])
    assert not torch.isclose(before[:, 4], after[:, 4]).all()


def encode(network, table, users, rows=None):
    rows, slot = table.rows(users) if rows is None else (rows, np.zeros(len(rows), int))
    with torch.no_grad():
        return network.encode(table.history(users, rows, slot, "cpu"), None).state


def network_and_table(made, **options):
    data, rng = response_data(made[0]), np.random.default_rng(0)
    network = TransformerNetwork(data, TransformerConfig(**options), rng)
    return network, HistoryTable(data.train, data.n_users, data.n_items, rng)


def test_a_user_reads_the_same_alone_and_beside_longer_histories(made):
    network, table = network_and_table(made)
    together = encode(network, table, np.arange(20))
    alone = torch.cat([encode(network, table, np.array([user])) for user in range(20)])
    torch.testing.assert_close(together, alone, atol=1e-5, rtol=1e-4)


def test_the_order_of_a_history_matters(made):
    network, table = network_and_table(made)
    rows, _ = table.rows(np.array([0]))
    forward = encode(network, table, np.array([0]), rows)
    assert not torch.allclose(forward, encode(network, table, np.array([0]), rows[::-1]))


def test_only_the_latest_ratings_are_read(made):
    network, table = network_and_table(made, length=3)
    rows, _ = table.rows(np.array([0]))
    states = []
    for change in (0.0, 1.0):
        item = table.item.copy()
        table.item[rows[:-3]] = (table.item[rows[:-3]] + int(change)) % table.n_items
        states.append(encode(network, table, np.array([0])))
        table.item = item
    assert torch.equal(*states)


def test_a_batch_in_which_nothing_is_read_works():
    data, rng = few_ratings(), np.random.default_rng(0)
    network = TransformerNetwork(data, TransformerConfig(), rng)
    table = HistoryTable(data.train, data.n_users, data.n_items, rng)
    states = encode(network, table, np.array([2, 4]))
    assert torch.isfinite(states).all()
    assert torch.equal(states[0], states[1])


def test_heads_must_divide_the_dimensions():
    with pytest.raises(ValueError, match="heads must divide dims, got heads=3 and dims=64"):
        Transformer(heads=3)
