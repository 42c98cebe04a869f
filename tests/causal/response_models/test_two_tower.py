import dataclasses

import numpy as np
import pytest
import torch

from recenv.causal.response_models.two_tower import TwoTowerConfig, TwoTowerNetwork
from tests.causal.response_models.response_data import few_ratings


def test_towers_see_features_where_there_are_any():
    features = np.random.default_rng(0).normal(size=(6, 3)).astype(np.float32)
    features[5] = features[1]
    data = dataclasses.replace(few_ratings(), item_features=features)
    network = TwoTowerNetwork(data, TwoTowerConfig(dims=4), np.random.default_rng(0))
    with torch.no_grad():
        network.item_tower.table.zero_()  # what is left is the features' share
    vectors = network.vectors(torch.arange(6))
    torch.testing.assert_close(vectors[5], vectors[1])
    assert not torch.allclose(vectors[0], vectors[1])
    plain = TwoTowerNetwork(few_ratings(), TwoTowerConfig(dims=4), np.random.default_rng(0))
    assert plain.item_tower.side.numel() == 0
    assert plain.vectors(torch.arange(6)).shape == (6, 4)


@pytest.mark.parametrize("side", ["user_features", "item_features"])
def test_gradients_reach_the_features(side):
    rows = {"user_features": 5, "item_features": 6}[side]
    data = dataclasses.replace(few_ratings(), **{side: np.ones((rows, 2), np.float32)})
    network = TwoTowerNetwork(data, TwoTowerConfig(), np.random.default_rng(0))
    tower = network.user_tower if side == "user_features" else network.item_tower
    tower(torch.tensor([0, 3]), 0.0).sum().backward()
    assert tower.side.grad.abs().sum() > 0
    assert tower.table.grad.abs().sum(1).nonzero().flatten().tolist() == [0, 3]
