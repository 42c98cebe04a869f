"""Two towers: what describes the user times what describes the item (Yi et al. 2019, `yi2019sampling`)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from recenv.causal.response_models.history import History
from recenv.causal.response_models.history_model import HistoryModel
from recenv.causal.response_models.history_network import Encoded, HistoryNetwork
from recenv.causal.response_models.layers import RatingSum, dropout, fill, linear
from recenv.causal.response_models.torch_training import TrainingConfig
from recenv.protocol import ResponseData


@dataclass(frozen=True)
class TwoTowerConfig(TrainingConfig):
    """How the towers are built and trained."""

    width: int = 128
    """Hidden units of each tower."""


class Tower(nn.Module):
    """x -> x + out(relu(hidden(x))), x = table[id] + linear(features) (+ what the history says)."""

    features: torch.Tensor

    def __init__(self, rows: int, features: NDArray[np.float32] | None, config: TwoTowerConfig) -> None:
        super().__init__()
        self.share = config.dropout
        self.table = nn.Parameter(torch.empty(rows, config.dims))
        side = np.zeros((rows, 0)) if features is None else features
        self.register_buffer("features", torch.tensor(side, dtype=torch.float32))
        self.side = nn.Parameter(torch.empty(self.features.shape[1], config.dims))
        self.hidden = linear(config.dims, config.width)
        self.out = linear(config.width, config.dims)

    def forward(
        self, ids: torch.Tensor, more: torch.Tensor | float, generator: torch.Generator | None = None
    ) -> torch.Tensor:
        """Return (n, D)."""
        x = nn.functional.embedding(ids, self.table) + self.features[ids] @ self.side + more
        x = dropout(x, self.share, generator)
        return x + self.out(torch.relu(self.hidden(x)))


class TwoTowerNetwork(HistoryNetwork):
    """The user tower reads the id, the features and the sum of the ratings; the item tower the id and the features."""

    def __init__(self, data: ResponseData, config: TwoTowerConfig, rng: np.random.Generator) -> None:
        super().__init__(data)
        self.sum = RatingSum(data.n_items, config.dims)
        self.user_tower = Tower(data.n_users, data.user_features, config)
        self.item_tower = Tower(data.n_items, data.item_features, config)
        fill(self, rng)

    def encode(self, history: History, generator: torch.Generator | None) -> Encoded:
        """Return what the user tower makes of B users."""
        return self.encoded(history, self.user_tower(history.users, self.sum(history), generator))

    def vectors(self, ids: torch.Tensor) -> torch.Tensor:
        """Return (n, D)."""
        return self.item_tower(ids, 0.0)


class TwoTower(HistoryModel[TwoTowerConfig]):
    """x = f(user id, user features, history) . g(item id, item features) + b_u + b_i."""

    config_class = TwoTowerConfig
    network_class = TwoTowerNetwork
