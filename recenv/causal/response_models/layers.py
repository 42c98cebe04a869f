"""Layers whose parameters and noise come from a given generator; torch's global one is never touched."""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import nn

from recenv.causal.response_models.history import History


def linear(inputs: int, outputs: int) -> nn.Linear:
    """Return a linear layer with empty parameters (see `fill`)."""
    return nn.utils.skip_init(nn.Linear, inputs, outputs)


def fill(module: nn.Module, rng: np.random.Generator, *, embedding: float = 0.1) -> None:
    """Draw all parameters in the order of their names.

    Weights of linear layers from U(-1/sqrt(inputs), 1/sqrt(inputs)), tables of vectors (bare parameters with two axes)
    from N(0, embedding^2); what has one axis keeps its value if it is a bare parameter or a norm, and is 0 in linear
    layers.
    """
    linear_weights = {id(layer.weight) for layer in module.modules() if isinstance(layer, nn.Linear)}
    linear_biases = {id(layer.bias) for layer in module.modules() if isinstance(layer, nn.Linear)}
    with torch.no_grad():
        for _, parameter in sorted(module.named_parameters()):
            shape = tuple(parameter.shape)
            if id(parameter) in linear_weights:
                bound = 1.0 / math.sqrt(shape[1])
                parameter.copy_(torch.as_tensor(rng.uniform(-bound, bound, shape)))
            elif id(parameter) in linear_biases:
                parameter.zero_()
            elif parameter.ndim == 2:
                parameter.copy_(torch.as_tensor(rng.normal(0.0, embedding, shape)))


def dropout(values: torch.Tensor, share: float, generator: torch.Generator | None) -> torch.Tensor:
    """Return the values with a random share set to 0 and the rest scaled up; unchanged without a generator."""
    if generator is None or share == 0.0:
        return values
    kept = torch.rand(values.shape, generator=generator, device=values.device) >= share
    return values * kept / (1.0 - share)


class RatingSum(nn.Module):
    """sum over the ratings read of (E[item] + residual F[item]), over sqrt(1 + how many): (B, D).

    E says what was rated (implicit feedback), F how it was rated, as in SVD++ (`koren2008factorization`).
    """

    def __init__(self, n_items: int, dims: int) -> None:
        super().__init__()
        self.rated = nn.Parameter(torch.empty(n_items, dims))
        self.liked = nn.Parameter(torch.empty(n_items, dims))

    def forward(self, history: History) -> torch.Tensor:
        """Return (B, D)."""
        bag = nn.functional.embedding_bag
        rated = bag(history.item, self.rated, history.start, mode="sum")
        liked = bag(history.item, self.liked, history.start, mode="sum", per_sample_weights=history.residual)
        return (rated + liked) / torch.sqrt(1.0 + history.size)[:, None]
