"""Towers that trust items' features first, and only slowly what is an item's own or differs between users.

    score(s, a) = c f(s) . (g(a) + o own_a) + v(s) + b(a) + o bias_a        c = interaction, o = own

Adam moves every parameter by about its rate, however little is known of it, so a factor on a part of the score is the
speed at which that part is learned. A slate's reward says little of each of its items: at one speed for all, a thousand
items' own numbers, and their products with the user, learn noise, and the best of them is the luckiest.
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

from recenv.agents.towers import TowerNetwork

NOTHING = 10.0
"""Speed of the bias of choosing nothing, where each position tells of it."""


class ShrunkTowers(TowerNetwork):
    """Towers in which the product and the items' own parameters are learned slowly.

    Parameters
    ----------
    features, observation_size, width, dims, rng
        See `TowerNetwork`.
    interaction
        c, of what differs between users.
    own
        o, of what an item's features do not tell.
    """

    bias_speed: torch.Tensor
    """(N,) o of the biases; an agent may set another for what is no item."""

    def __init__(
        self,
        features: NDArray[np.float32],
        observation_size: int,
        *,
        width: int,
        dims: int,
        rng: np.random.Generator,
        interaction: float,
        own: float,
    ) -> None:
        super().__init__(features, observation_size, width=width, dims=dims, rng=rng)
        self.interaction, self.own = interaction, own
        self.register_buffer("bias_speed", torch.full((len(features),), own))

    def items_from(
        self, features: torch.Tensor, vector: torch.Tensor, bias: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Return c (g(a) + o own_a) (n, D) and b(a) + bias of features (n, Q), own vectors and scaled own biases."""
        shared, number = self.item_tower(features)
        return self.interaction * (shared + self.own * vector), number + bias

    def items(self, ids: torch.Tensor | None = None) -> tuple[torch.Tensor, torch.Tensor]:
        """Return c (g(a) + o own_a) (n, D) and b(a) + o bias_a (n,) of item ids (n,); None is the whole catalogue."""
        chosen = slice(None) if ids is None else ids
        return self.items_from(self.item_features[chosen], self.item_vector[chosen], self.own_bias(chosen))

    def own_bias(self, ids: torch.Tensor | slice) -> torch.Tensor:
        """Return (n,) o bias_a."""
        return self.bias_speed[ids] * self.item_bias[ids]
