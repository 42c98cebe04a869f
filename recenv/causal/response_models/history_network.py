"""The form that all deep response models have: a state read from the history, times a vector of the item."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from torch import nn

from recenv.causal.response_models.history import History, Targets
from recenv.protocol import ResponseData


class Encoded(NamedTuple):
    """What a network makes of B users."""

    state: torch.Tensor
    """(B, D)."""
    bias: torch.Tensor
    """(B,) b_u, the item's bias not included."""
    item_bias: torch.Tensor
    """(N,) b_i."""
    squares: torch.Tensor
    """(B,) what the prior of the states weighs: |state|^2, and what a variational code adds to it."""

    def utility(self, targets: Targets, vector: torch.Tensor) -> torch.Tensor:
        """Return (n,) the utility of the targets, whose items have these vectors (n, D)."""
        product = (self.state[targets.slot] * vector).sum(1)
        return product + self.bias[targets.slot] + self.item_bias[targets.item]


class HistoryNetwork(nn.Module):
    """x_ui = state_u . vector_i + b_u + b_i, where state_u and b_u are read from the user's history."""

    inverse_count: torch.Tensor

    def __init__(self, data: ResponseData) -> None:
        super().__init__()
        self.rows = len(data.train.user)
        counts = np.maximum(1, np.bincount(data.train.item, minlength=data.n_items))
        self.register_buffer("inverse_count", torch.tensor(1.0 / counts, dtype=torch.float32))
        self.user_bias = nn.Parameter(torch.zeros(data.n_users))
        self.item_bias = nn.Parameter(torch.zeros(data.n_items))
        self.slope = nn.Parameter(torch.ones(1))

    def encoded(self, history: History, state: torch.Tensor, more: torch.Tensor | float = 0.0) -> Encoded:
        """Return a state with the user's bias: one number an id plus a multiple of the mean residual of what was read.

        `more` (B,) is added to the squares.
        """
        bias = self.user_bias[history.users] + self.slope * history.mean
        return Encoded(state, bias, self.item_bias, (state**2).sum(1) + more)

    def encode(self, history: History, generator: torch.Generator | None) -> Encoded:
        """Return what the network makes of B users; noise (dropout) only where there is a generator."""
        raise NotImplementedError

    def vectors(self, ids: torch.Tensor) -> torch.Tensor:
        """Return vectors (n, D) of items."""
        raise NotImplementedError
