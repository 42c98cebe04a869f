"""State tower times item tower: the score of an item is the product of what describes the user and what describes it.

    score(s, a) = f(s) . g(a) + v(s) + b(a)        f, g: a linear map plus a small network each (D,)

The item tower sees the item's visible features and a learned embedding of its id, so that items that were never shown
are scored from their features, and a large catalogue costs one matrix product (Yi et al. 2019, `yi2019sampling`).
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn


class Tower(nn.Module):
    """x -> linear(x) + network(x), and one number beside it: (n, in) to ((n, D), (n,))."""

    def __init__(self, inputs: int, width: int, dims: int) -> None:
        super().__init__()
        # skip_init leaves the parameters empty: torch's global generator is not touched (see fill_parameters).
        self.skip = nn.utils.skip_init(nn.Linear, inputs, dims + 1)
        self.hidden = nn.utils.skip_init(nn.Linear, inputs, width)
        self.out = nn.utils.skip_init(nn.Linear, width, dims + 1)

    def forward(self, inputs: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Return vectors (n, D) and numbers (n,)."""
        both = self.skip(inputs) + self.out(torch.relu(self.hidden(inputs)))
        return both[:, :-1], both[:, -1]


class Pairs(NamedTuple):
    """What n pairs of a state and an item are scored from."""

    state: torch.Tensor
    """(n, O) standardised observations."""
    features: torch.Tensor
    """(n, Q) standardised features of the items."""
    own: torch.Tensor
    """(n,) how much of what is learned of the item itself counts; 1 is all."""
    ids: torch.Tensor
    """(n,) int64 items."""
    row: torch.Tensor
    """(n,) int64 which observation each pair has."""


class TowerNetwork(nn.Module):
    """Scores of items for states; parameters are drawn from a numpy generator.

    Parameters
    ----------
    features
        (N, Q) visible item features.
    observation_size
        O.
    width
        Hidden units of each tower.
    dims
        D, size of the product.
    rng
        Draws the initial parameters.
    """

    item_features: torch.Tensor
    shift: torch.Tensor
    spread: torch.Tensor

    def __init__(
        self, features: NDArray[np.float32], observation_size: int, *, width: int, dims: int, rng: np.random.Generator
    ) -> None:
        super().__init__()
        n_items = len(features)
        self.state_tower = Tower(observation_size, width, dims)
        self.item_tower = Tower(features.shape[1], width, dims)
        self.item_vector = nn.Parameter(torch.zeros(n_items, dims))
        self.item_bias = nn.Parameter(torch.zeros(n_items))
        centre, spread = features.mean(axis=0), features.std(axis=0)
        scaled = (features - centre) / np.where(spread > 0, spread, 1.0)
        self.register_buffer("item_features", torch.tensor(scaled, dtype=torch.float32))
        self.register_buffer("shift", torch.zeros(observation_size))
        self.register_buffer("spread", torch.ones(observation_size))
        fill_parameters(self.state_tower, rng)
        fill_parameters(self.item_tower, rng)

    def states(self, observation: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Return f(s) (B, D) and v(s) (B,) of flat observations (B, O)."""
        return self.state_tower((observation - self.shift) / self.spread)

    def items(self, ids: torch.Tensor | None = None) -> tuple[torch.Tensor, torch.Tensor]:
        """Return g(a) (n, D) and b(a) (n,) of item ids (n,); None is the whole catalogue."""
        if ids is None:
            return self.items_from(self.item_features, self.item_vector, self.item_bias)
        return self.items_from(self.item_features[ids], self.item_vector[ids], self.item_bias[ids])

    def items_from(
        self, features: torch.Tensor, vector: torch.Tensor, bias: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Return g (n, D) and b (n,) of items with standardised features (n, Q), own vectors (n, D), own bias (n,)."""
        shared, number = self.item_tower(features)
        return shared + vector, number + bias

    def own_bias(self, ids: torch.Tensor | slice) -> torch.Tensor:
        """Return (n,) what is added to the number of items for themselves, whatever their features."""
        return self.item_bias[ids]

    def pairs(self, observation: torch.Tensor, row: torch.Tensor, ids: torch.Tensor) -> Pairs:
        """Return n pairs of rows (n,) of observations (B, O) and items (n,)."""
        state, features = (observation[row] - self.shift) / self.spread, self.item_features[ids]
        return Pairs(state, features, torch.ones_like(state[:, 0]), ids, row)

    def score_of(self, pairs: Pairs) -> torch.Tensor:
        """Return (n,) the scores of pairs, whose states and features need not be those of any user or item."""
        own = self.item_vector[pairs.ids] * pairs.own[:, None], self.own_bias(pairs.ids) * pairs.own
        vector, bias = self.items_from(pairs.features, *own)
        state, value = self.state_tower(pairs.state)
        return (state * vector).sum(dim=1) + value + bias

    def scores(self, observation: torch.Tensor, items: tuple[torch.Tensor, torch.Tensor] | None = None) -> torch.Tensor:
        """Return (B, N) the score of every item; `items` are kept results of `items()`."""
        vector, bias = self.items() if items is None else items
        state, value = self.states(observation)
        return state @ vector.T + value[:, None] + bias

    def pair_scores(self, observation: torch.Tensor, ids: torch.Tensor) -> torch.Tensor:
        """Return (B, K) the scores of given items (B, K), without touching the rest of the catalogue."""
        state, value = self.states(observation)
        vector, bias = self.items(ids.reshape(-1))
        product = (vector.reshape(*ids.shape, -1) * state[:, None]).sum(dim=2)
        return product + bias.reshape(ids.shape) + value[:, None]

    def set_observation_scale(self, shift: NDArray[np.floating], spread: NDArray[np.floating]) -> None:
        """Standardise observations by these column means and deviations (O,)."""
        self.shift.copy_(torch.as_tensor(shift, dtype=torch.float32))
        self.spread.copy_(torch.as_tensor(spread, dtype=torch.float32))


class DuelingTowers(TowerNetwork):
    """Towers whose vectors and numbers of items have mean 0 over the catalogue (`wang2016dueling`)."""

    def items(self, ids: torch.Tensor | None = None) -> tuple[torch.Tensor, torch.Tensor]:
        """Return g(a) (n, D) and b(a) (n,) of item ids (n,), centred; None is the whole catalogue."""
        vector, number = super().items()  # their means need them all: no item is worked out twice
        return (vector, number) if ids is None else (vector[ids], number[ids])

    def items_from(
        self, features: torch.Tensor, vector: torch.Tensor, bias: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Return g (n, D) and b (n,) of items, less their means over the catalogue."""
        vectors, numbers = super().items_from(self.item_features, self.item_vector, self.item_bias)
        one, number = (vectors, numbers) if bias is self.item_bias else super().items_from(features, vector, bias)
        return one - vectors.mean(dim=0), number - numbers.mean()


def fill_parameters(module: nn.Module, rng: np.random.Generator) -> None:
    """Draw every parameter from U(-1/sqrt(n), 1/sqrt(n)), n the number of inputs; biases are 0."""
    with torch.no_grad():
        for _, parameter in sorted(module.named_parameters()):
            if parameter.ndim < 2:
                parameter.zero_()
                continue
            bound = 1.0 / math.sqrt(parameter.shape[1])
            drawn = rng.uniform(-bound, bound, tuple(parameter.shape))
            parameter.copy_(torch.as_tensor(drawn, dtype=torch.float32))
