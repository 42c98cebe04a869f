"""Linear scorer: linear in the state for each item, with what items have in common in their features.

    score(s, a) = (M x_a + own_a) . [s, 1] / sqrt(S + 1)           own_a starts at 0

It is the mean of a hybrid linear bandit (Li et al. 2010, `li2010contextual`), learned by gradient steps.
"""

from __future__ import annotations

import math

import torch

from recenv.agents.neural.scorers.scorer import Scorer, Situation, empty_linear


class LinearScorer(Scorer):
    """A linear score of the state, its weights a linear map of the item."""

    own_spread = 0.0

    def build(self, width: int, dims: int) -> None:
        """Make the map of item features to weights."""
        self.shared = empty_linear(self.item_features.shape[1], self.state_size + 1)

    def own_size(self, dims: int) -> int:
        """Return S + 1: an item's own weights are added to the shared ones."""
        return self.state_size + 1

    @property
    def feature_size(self) -> int:
        """F = S + 1."""
        return self.state_size + 1

    def states(self, situation: Situation) -> torch.Tensor:
        """Return (B, S + 1) the state and a one, their scale that of one number."""
        return torch.nn.functional.pad(situation.state, (0, 1), value=1.0) / math.sqrt(self.feature_size)

    def items_from(self, inputs: torch.Tensor) -> torch.Tensor:
        """Return (n, S + 1) weights of the state."""
        split = self.item_features.shape[1]
        return self.shared(inputs[:, :split]) + inputs[:, split:]
