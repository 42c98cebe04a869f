"""Autoencoder scorer: encodes what the user did with each item, and decodes it for every item.

    h = relu(A s + sum over the history of (P_i + r_i V_i) + mu)         i: item, r_i: what came of it
    score(s, a) = d(a) . h + v(s) + b(a)

as AutoRec does with a user's ratings (Sedhain et al. 2015, `sedhain2015autorec`), beside the state s. P tells an item
that was met from one that was not. The history is that of the observation ("shown", "feedback") or, where the
observation has none, the agent's memory of the user's id. The item that is scored is never in it.
"""

from __future__ import annotations

import torch
from torch import nn

from recenv.agents.neural.scorers.scorer import Scorer, Situation, empty_linear, with_ones


class AutoencoderScorer(Scorer):
    """Encoder of the history, decoder of every item."""

    reads_history = True
    remembers = True

    def build(self, width: int, dims: int) -> None:
        """Make encoder and decoder."""
        self.width = width
        self.state_layer = empty_linear(self.state_size, width + 1)
        self.decoder = empty_linear(self.item_features.shape[1] + dims, width + 1)
        self.met, self.liked = (nn.Parameter(torch.empty(self.n_items, width)) for _ in range(2))

    @property
    def feature_size(self) -> int:
        """F = W + 2."""
        return self.width + 2

    def states(self, situation: Situation) -> torch.Tensor:
        """Return (B, W + 2) [h, v(s), 1]."""
        both = self.state_layer(situation.state)
        met = (situation.shown >= 0)[..., None]
        ids = situation.shown.clamp(min=0)
        coded = self.met[ids] + situation.feedback[..., None] * self.liked[ids]
        hidden = torch.relu(both[:, :-1] + (coded * met).sum(dim=1))
        return with_ones(hidden, both[:, -1], first=True)

    def items_from(self, inputs: torch.Tensor) -> torch.Tensor:
        """Return (n, W + 2) [d(a), 1, b(a)]."""
        both = self.decoder(inputs)
        return with_ones(both[:, :-1], both[:, -1], first=False)
