"""MLP scorer: one hidden layer over state and item together; its first layer is a sum of a part of each.

    h(s, a) = relu(W_s s + c + W_a [x_a, own_a])           score(s, a) = w . h(s, a)

The parts are computed once a user and once an item, so that a pair costs W additions and products. On the CPU the sum
over pairs and its gradient are compiled (`relu_pairs`), without an array of all pairs; elsewhere torch does the same.
"""

from __future__ import annotations

import torch
from torch import nn

from recenv.agents.scorers.relu_pairs import relu_pair_gradients, relu_pair_scores
from recenv.agents.scorers.scorer import Scorer, Situation

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
        with torch.no_grad():
            return self._learn_compiled(situation.state, items, target)

    def _learn_compiled(self, state: torch.Tensor, items: torch.Tensor, target: torch.Tensor) -> float:
        """Go through the hidden layer once, forward and backward, and leave the matrix products to torch."""
        out, state_weight, item_weight, own = self.out, self.state_weight, self.item_weight, self.own
        ids, place = torch.unique(items, return_inverse=True)
        known = ids.clamp_(min=0)
        inputs = self.inputs(known)
        hidden = torch.addmm(self.bias, state, state_weight.T)
        arrays = (hidden.numpy(), (inputs @ item_weight.T).numpy(), place.numpy(), (items >= 0).numpy())
        found = relu_pair_gradients(*arrays, target.numpy(), out.numpy()[0])
        by_state, by_item, by_out = (torch.from_numpy(one) for one in found[1:])
        # What stands in `grad` is 0 before: written over, not added to.
        torch.mm(by_state.T, state, out=state_weight.grad)
        torch.mm(by_item.T, inputs, out=item_weight.grad)
        torch.sum(by_state, 0, out=self.bias.grad)
        assert out.grad is not None
        assert own.grad is not None
        out.grad.copy_(by_out)
        own.grad.index_add_(0, known, by_item @ item_weight[:, inputs.shape[1] - own.shape[1] :])
        return float(found[0])
