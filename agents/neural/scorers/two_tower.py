"""Two-tower scorer: the product of what describes the user and what describes the item.

    score(s, a) = f(s) . g(a) + v(s) + b(a)        f, v and g, b: a linear map plus a small network each

A large catalogue costs one matrix product (Yi et al. 2019, `yi2019sampling`).
"""

from __future__ import annotations

import torch

from recenv.agents.neural.scorers.scorer import Scorer, Situation, with_ones
from recenv.agents.towers import Tower


class TwoTowerScorer(Scorer):
    """State tower times item tower."""

    def build(self, width: int, dims: int) -> None:
        """Make the towers."""
        self.dims = dims
        self.state_tower = Tower(self.state_size, width, dims)
        self.item_tower = Tower(self.item_features.shape[1] + dims, width, dims)

    @property
    def feature_size(self) -> int:
        """F = D + 2."""
        return self.dims + 2

    def states(self, situation: Situation) -> torch.Tensor:
        """Return (B, D + 2) [f(s), v(s), 1]."""
        return with_ones(*self.state_tower(situation.state), first=True)

    def items_from(self, inputs: torch.Tensor) -> torch.Tensor:
        """Return (n, D + 2) [g(a), 1, b(a)]."""
        return with_ones(*self.item_tower(inputs), first=False)
