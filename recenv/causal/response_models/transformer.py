"""Transformer over a user's rated sequence: causal self-attention (SASRec, `kang2018self`) that reads ratings too."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import nn

from recenv.causal.response_models.history import History
from recenv.causal.response_models.history_model import HistoryModel
from recenv.causal.response_models.history_network import Encoded, HistoryNetwork
from recenv.causal.response_models.layers import dropout, fill, linear
from recenv.causal.response_models.torch_training import TrainingConfig
from recenv.protocol import ResponseData


@dataclass(frozen=True)
class TransformerConfig(TrainingConfig):
    """How the Transformer is built and trained."""

    heads: int = 2
    """Attention heads; they divide `dims`."""
    blocks: int = 1
    """Blocks of attention and feed-forward layers."""
    length: int = 128
    """Ratings read, the latest of the user's sequence."""

    def __post_init__(self) -> None:
        """Refuse values that cannot work, by name."""
        super().__post_init__()
        if self.dims % self.heads:
            raise ValueError(f"heads must divide dims, got heads={self.heads} and dims={self.dims}")


class Block(nn.Module):
    """Causal attention and a feed-forward layer, each on normalised input and added to it."""

    def __init__(self, config: TransformerConfig) -> None:
        super().__init__()
        self.heads, self.share = config.heads, config.dropout
        self.before_attention = nn.LayerNorm(config.dims)
        self.before_forward = nn.LayerNorm(config.dims)
        self.ask = linear(config.dims, 3 * config.dims)
        self.mix = linear(config.dims, config.dims)
        self.hidden = linear(config.dims, 2 * config.dims)
        self.out = linear(2 * config.dims, config.dims)

    def forward(self, x: torch.Tensor, generator: torch.Generator | None) -> torch.Tensor:
        """Return (B, T, D) from (B, T, D): position t reads positions up to t."""
        split = self.ask(self.before_attention(x)).unflatten(2, (3 * self.heads, -1)).transpose(1, 2)
        query, key, value = split.chunk(3, 1)
        read = nn.functional.scaled_dot_product_attention(query, key, value, is_causal=True)
        x = x + dropout(self.mix(read.transpose(1, 2).flatten(2)), self.share, generator)
        forward = self.out(torch.relu(self.hidden(self.before_forward(x))))
        return x + dropout(forward, self.share, generator)


class TransformerNetwork(HistoryNetwork):
    """A start token, then a token a rating; what comes out is summed over the sequence, over sqrt(its length)."""

    def __init__(self, data: ResponseData, config: TransformerConfig, rng: np.random.Generator) -> None:
        super().__init__(data)
        self.config = config
        self.rated = nn.Parameter(torch.empty(data.n_items, config.dims))
        self.liked = nn.Parameter(torch.empty(data.n_items, config.dims))
        self.age = nn.Parameter(torch.empty(config.length + 1, config.dims))
        self.blocks = nn.ModuleList(Block(config) for _ in range(config.blocks))
        self.state = linear(config.dims, config.dims)
        self.output = nn.Parameter(torch.empty(data.n_items, config.dims))
        fill(self, rng)

    def encode(self, history: History, generator: torch.Generator | None) -> Encoded:
        """Return states read from the latest `length` ratings."""
        size = history.size.clamp(max=self.config.length)
        steps = torch.arange(int(size.max()) + 1, device=size.device)
        x = dropout(self._tokens(history, size, steps), self.config.dropout, generator)
        for block in self.blocks:
            x = block(x, generator)
        kept = (steps <= size[:, None]).float()[..., None]
        return self.encoded(history, self.state((x * kept).sum(1) / torch.sqrt(kept.sum(1))))

    def _tokens(self, history: History, size: torch.Tensor, steps: torch.Tensor) -> torch.Tensor:
        """Return (B, 1 + T, D); what is behind a user's last rating is never read by causal attention."""
        place = steps[1:] - 1 + (history.start + history.size - size)[:, None]
        place = place.clamp(max=len(history.item) - 1)
        item, residual = history.item[place], history.residual[place][..., None]
        rated = nn.functional.embedding(item, self.rated) + residual * nn.functional.embedding(item, self.liked)
        start = rated.new_zeros((len(size), 1, self.config.dims))
        return torch.cat([start, rated], 1) + self.age[(size[:, None] - steps).clamp(min=0)]

    def vectors(self, ids: torch.Tensor) -> torch.Tensor:
        """Return (n, D)."""
        return nn.functional.embedding(ids, self.output)


class Transformer(HistoryModel[TransformerConfig]):
    """x = attention(the user's rated sequence) . vector_i + b_u + b_i."""

    config_class = TransformerConfig
    network_class = TransformerNetwork
