"""Transformer scorer: self-attention over the items of the session, in their order, and the state.

    tokens:  e(i_1) + r_1 u + q_1, ..., e(i_H) + r_H u + q_H, A s              e: item tower, q: position
    f = the last token after the blocks;   score(s, a) = f . g(a) + v(s) + b(a)

(Vaswani et al. 2017, `vaswani2017attention`; over sessions Kang & McAuley 2018, `kang2018self`.) The first positions
are those of the session's first items, so the past needs no mask: all of it was known when the item was shown.
"""

from __future__ import annotations

import torch
from torch import nn

from recenv.agents.neural.scorers.scorer import Scorer, Situation, empty_linear, with_ones

BLOCKS, HEADS = 1, 2
LONGEST = 256
"""Positions that are told apart; later ones share the last."""


class Block(nn.Module):
    """x + attention(norm x), then x + network(norm x); norms have no parameters."""

    def __init__(self, dims: int, width: int) -> None:
        super().__init__()
        self.mixing, self.out = empty_linear(dims, 3 * dims), empty_linear(dims, dims)
        self.up, self.down = empty_linear(dims, width), empty_linear(width, dims)

    def forward(self, tokens: torch.Tensor, present: torch.Tensor) -> torch.Tensor:
        """Return tokens (B, H, D) after attention to those present (B, H)."""
        batch, length, dims = tokens.shape
        mixed = self.mixing(_normed(tokens)).view(batch, length, 3, HEADS, dims // HEADS).permute(2, 0, 3, 1, 4)
        query, key, value = mixed
        seen = nn.functional.scaled_dot_product_attention(query, key, value, attn_mask=present[:, None, None, :])
        tokens = tokens + self.out(seen.transpose(1, 2).reshape(batch, length, dims))
        return tokens + self.down(torch.relu(self.up(_normed(tokens))))


class TransformerScorer(Scorer):
    """Attention over the history; needs observations with "shown" and "feedback"."""

    reads_history = True

    def build(self, width: int, dims: int) -> None:
        """Make the blocks; the item tower is a linear map for the score and one for the history."""
        self.dims = dims = dims + dims % HEADS
        self.state_layer = empty_linear(self.state_size, dims + 1)
        self.direct = empty_linear(self.state_size, dims)
        self.token, self.decoder = (empty_linear(self._inputs(dims), size) for size in (dims, dims + 1))
        self.opinion = nn.Parameter(torch.empty(1, dims))
        self.position = nn.Parameter(torch.empty(LONGEST, dims))
        self.blocks = nn.ModuleList(Block(dims, width) for _ in range(BLOCKS))

    def _inputs(self, dims: int) -> int:
        return self.item_features.shape[1] + dims

    def own_size(self, dims: int) -> int:
        """Return D, made even for two heads."""
        return self.dims

    @property
    def feature_size(self) -> int:
        """F = D + 2."""
        return self.dims + 2

    def states(self, situation: Situation) -> torch.Tensor:
        """Return (B, D + 2) [f, v(s), 1]."""
        both = self.state_layer(situation.state)
        tokens = torch.cat([self._history(situation), both[:, None, :-1]], dim=1)
        present = torch.nn.functional.pad(situation.shown >= 0, (0, 1), value=True)
        for block in self.blocks:
            tokens = block(tokens, present)
        return with_ones(_normed(tokens[:, -1]) + self.direct(situation.state), both[:, -1], first=True)

    def _history(self, situation: Situation) -> torch.Tensor:
        """Return (B, H, D) tokens of the history."""
        ids, place = torch.unique(situation.shown.clamp(min=0), return_inverse=True)
        at = torch.arange(situation.shown.shape[1], device=ids.device).clamp(max=LONGEST - 1)
        item = self.token(self.inputs(ids))[place]
        return item + situation.feedback[..., None] * self.opinion[0] + self.position[at]

    def items_from(self, inputs: torch.Tensor) -> torch.Tensor:
        """Return (n, D + 2) [g(a), 1, b(a)]."""
        both = self.decoder(inputs)
        return with_ones(both[:, :-1], both[:, -1], first=False)


def _normed(tokens: torch.Tensor) -> torch.Tensor:
    return torch.nn.functional.layer_norm(tokens, tokens.shape[-1:])
