"""What a scorer is: a vector of the situation, a vector of the item, and a score of the two.

    score(s, a) = last . join(state(s), item(a))          join is the product, element by element, and last is all ones

in most scorers; another join makes another family (see `mlp`). Vectors of items are worth keeping: they change only
with the parameters, and so does the learned vector of the item's own that stands beside its visible features.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from recenv.agents.towers import fill_parameters

OWN_SPREAD = 0.5
"""Deviation of the initial own vectors of items, beside features of deviation 1."""


class Situation(NamedTuple):
    """What B users are in."""

    state: torch.Tensor
    """(B, S) float32, columns standardised."""
    shown: torch.Tensor
    """(B, H) int64 items of the history, -1 pads; H may be 0."""
    feedback: torch.Tensor
    """(B, H) float32 what came of each."""


class Scorer(nn.Module):
    """Base of scorers; a subclass has `states` and `items_from`.

    Parameters
    ----------
    features
        (N, Q) visible item features.
    state_size
        S.
    width
        Hidden units.
    dims
        D, size of the own vectors of items, and of products of two towers.
    rng
        Draws the initial parameters.
    """

    own_spread = OWN_SPREAD
    """Deviation of the initial own vectors."""
    reads_history = False
    """Whether `states` looks at `shown` and `feedback`."""
    remembers = False
    """Whether the agent may keep a history by user id where the observation has none."""
    item_features: torch.Tensor

    def __init__(
        self, features: NDArray[np.float32], state_size: int, *, width: int, dims: int, rng: np.random.Generator
    ) -> None:
        super().__init__()
        centre, spread = features.mean(axis=0), features.std(axis=0)
        scaled = (features - centre) / np.where(spread > 0, spread, 1.0)
        self.register_buffer("item_features", torch.tensor(scaled, dtype=torch.float32))
        self.n_items, self.state_size = len(features), state_size
        self.build(width, dims)
        fill_parameters(self, rng)
        own = self.own_spread * rng.standard_normal((self.n_items, self.own_size(dims)))
        self.own = nn.Parameter(torch.tensor(own, dtype=torch.float32))

    def build(self, width: int, dims: int) -> None:
        """Make the layers, their parameters empty (`empty_linear`)."""
        raise NotImplementedError

    def own_size(self, dims: int) -> int:
        """Return the size of an item's own vector."""
        return dims

    @property
    def item_inputs(self) -> int:
        """Size of an item's features and own vector."""
        return self.item_features.shape[1] + self.own.shape[1]

    def states(self, situation: Situation) -> torch.Tensor:
        """Return (B, W) vectors of situations."""
        raise NotImplementedError

    def items_from(self, inputs: torch.Tensor) -> torch.Tensor:
        """Return (n, W) vectors of items, of their features and own vectors (n, Q + D)."""
        raise NotImplementedError

    def inputs(self, ids: torch.Tensor | None = None) -> torch.Tensor:
        """Return (n, Q + D) features and own vectors of items; None is the whole catalogue."""
        if ids is None:
            return torch.cat([self.item_features, self.own], dim=1)
        return torch.cat([self.item_features[ids], self.own[ids]], dim=1)

    def items(self, ids: torch.Tensor | None = None) -> torch.Tensor:
        """Return (n, W) vectors of items; None is the whole catalogue."""
        return self.items_from(self.inputs(ids))

    def last(self) -> torch.Tensor:
        """Return (F,) the weights of the last layer."""
        return self.own.new_ones(self.feature_size)

    def join(self, state: torch.Tensor, item: torch.Tensor) -> torch.Tensor:
        """Return (..., F) what the last layer sees of state and item vectors (..., W)."""
        return state * item

    def features(self, state: torch.Tensor, items: torch.Tensor, place: torch.Tensor) -> torch.Tensor:
        """Return (B, C, F) what the last layer sees of each pair; `place` (B, C) are rows of `items` (n, W)."""
        return self.join(state[:, None], items[place])

    def scores(self, state: torch.Tensor, items: torch.Tensor, place: torch.Tensor) -> torch.Tensor:
        """Return (B, C) scores of the pairs; `place` (B, C) are rows of `items` (n, W)."""
        return (state @ items.T).gather(1, place)

    def learn_from(self, situation: Situation, items: torch.Tensor, target: torch.Tensor) -> float:
        """Leave the gradient of the squared error in `grad`, 0 before, and return it; a slate's score is a sum.

        `items` is (n, K), -1 where a position was empty; `target` (n,).
        """
        ids, place = torch.unique(items.clamp(min=0), return_inverse=True)
        score = self.scores(self.states(situation), self.items(ids), place)
        loss = torch.nn.functional.mse_loss((score * (items >= 0)).sum(dim=1), target)
        loss.backward()
        return float(loss.detach())

    @property
    def feature_size(self) -> int:
        """F, how many numbers the last layer sees."""
        raise NotImplementedError


def empty_linear(inputs: int, outputs: int) -> nn.Linear:
    """Return a layer with empty parameters: torch's global generator is not touched (see `fill_parameters`)."""
    return nn.utils.skip_init(nn.Linear, inputs, outputs)


def with_ones(vectors: torch.Tensor, numbers: torch.Tensor, *, first: bool) -> torch.Tensor:
    """Return (n, D + 2) [vector, number, 1] or, for the other side of a product, [vector, 1, number]."""
    one = torch.ones_like(numbers)
    pair = (numbers, one) if first else (one, numbers)
    return torch.cat([vectors, torch.stack(pair, dim=1)], dim=1)
