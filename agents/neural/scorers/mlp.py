"""MLP scorer: one hidden layer over state and item together; its first layer is a sum of a part of each.

    h(s, a) = relu(W_s s + c + W_a [x_a, own_a])           score(s, a) = w . h(s, a)

The parts are computed once a user and once an item, so that a pair costs W additions and products. On the CPU the sum
over pairs and its gradient are compiled (`relu_pairs`), without an array of all pairs; elsewhere torch does the same.
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from recenv.agents.neural.scorers.relu_pairs import relu_pair_gradients, relu_pair_scores
from recenv.agents.neural.scorers.scorer import Scorer, Situation

PAIRS_AT_ONCE = 65_536
"""Pairs whose hidden units are in memory at the same time, where they are."""


class MLPScorer(Scorer):
    """One hidden layer of rectified units over state and item."""

    def build(self, width: int, dims: int) -> None:
        """Make both parts of the first layer, and the last."""
        self.width = width
        self.state_weight = nn.Parameter(torch.empty(width, self.state_size))
        self.item_weight = nn.Parameter(torch.empty(width, self.item_features.shape[1] + dims))
        self.bias = nn.Parameter(torch.empty(width))
        self.out = nn.Parameter(torch.empty(1, width))

    @property
    def feature_size(self) -> int:
        """F = W."""
        return self.width

    def last(self) -> torch.Tensor:
        """Return (W,) the weights of the hidden units."""
        return self.out[0]

    def states(self, situation: Situation) -> torch.Tensor:
        """Return (B, W) the state's part of the hidden layer."""
        return torch.addmm(self.bias, situation.state, self.state_weight.T)

    def items_from(self, inputs: torch.Tensor) -> torch.Tensor:
        """Return (n, W) the item's part of the hidden layer."""
        return inputs @ self.item_weight.T

    def join(self, state: torch.Tensor, item: torch.Tensor) -> torch.Tensor:
        """Return (..., W) the hidden units."""
        return torch.relu(state + item)

    def scores(self, state: torch.Tensor, items: torch.Tensor, place: torch.Tensor) -> torch.Tensor:
        """Return (B, C) scores of the pairs; `place` (B, C) are rows of `items` (n, W)."""
        if state.device.type == "cpu" and not torch.is_grad_enabled():
            parts = (state.numpy(), items.numpy(), place.numpy(), self.out[0].numpy())
            return torch.from_numpy(relu_pair_scores(*parts))
        rows = max(1, PAIRS_AT_ONCE // max(place.shape[1], 1))
        blocks = zip(state.split(rows), place.split(rows), strict=True)
        return torch.cat([self.features(one, items, at) @ self.out[0] for one, at in blocks])

    def learn_from(self, situation: Situation, items: torch.Tensor, target: torch.Tensor) -> float:
        """Leave the gradient of the squared error in `grad`, 0 before, and return it; a slate's score is a sum."""
        if self.own.device.type != "cpu":
            return super().learn_from(situation, items, target)
        ids, place = torch.unique(items, return_inverse=True)
        return self._learn_compiled(
            situation.state.numpy(), np.maximum(ids.numpy(), 0), place.numpy(), items.numpy() >= 0, target.numpy()
        )

    def _learn_compiled(
        self,
        state: NDArray[np.float32],
        ids: NDArray[np.int64],
        place: NDArray[np.int64],
        shown: NDArray[np.bool_],
        target: NDArray[np.float32],
    ) -> float:
        """Go through the hidden layer once, forward and backward; the matrix products are numpy's, without a graph."""
        parameters = (self.state_weight, self.item_weight, self.bias, self.out, self.own)
        state_weight, item_weight, bias, out, own = (one.detach().numpy() for one in parameters)
        by_state_weight, by_item_weight, by_bias, by_out, by_own = (_gradient(one) for one in parameters)
        inputs = np.concatenate([self.item_features.numpy()[ids], own[ids]], axis=1)
        hidden = state @ state_weight.T
        hidden += bias
        found = relu_pair_gradients(hidden, inputs @ item_weight.T, place, shown, target, out[0])
        loss, by_state, by_item, by_out[0] = found
        # What stands in `grad` is 0 before: written over, not added to.
        np.matmul(by_state.T, state, out=by_state_weight)
        np.matmul(by_item.T, inputs, out=by_item_weight)
        by_state.sum(axis=0, out=by_bias)
        # Empty positions are the first of the ids and have no gradient: item 0's own, if there, comes after.
        by_own[ids] = by_item @ item_weight[:, inputs.shape[1] - own.shape[1] :]
        return float(loss)


def _gradient(parameter: nn.Parameter) -> NDArray[np.float32]:
    assert parameter.grad is not None
    return parameter.grad.numpy()
