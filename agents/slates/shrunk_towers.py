"""Towers that trust items' features first, and only slowly what is an item's own or differs between users.

    score(s, a) = c f(s) . (g(a) + o own_a) + v(s) + b(a) + o bias_a        c = 0.03, o = 0.1

Adam moves every parameter by about its rate, however little is known of it, so a factor on a part of the score is the
speed at which that part is learned. A slate's reward says little of each of its items: at one speed for all, a thousand
items' own numbers, and their products with the user, learn noise, and the best of them is the luckiest.
"""

from __future__ import annotations

import torch

from recenv.agents.towers import TowerNetwork

INTERACTION = 0.03
"""c, of what differs between users."""
OWN = 0.1
"""o, of what an item's features do not tell."""


class ShrunkTowers(TowerNetwork):
    """Towers in which the product and the items' own parameters are learned slowly."""

    def items(self, ids: torch.Tensor | None = None) -> tuple[torch.Tensor, torch.Tensor]:
        """Return c (g(a) + o own_a) (n, D) and b(a) + o bias_a (n,) of item ids (n,); None is the whole catalogue."""
        chosen = slice(None) if ids is None else ids
        vector, number = self.item_tower(self.item_features[chosen])
        own, bias = self.item_vector[chosen], self.item_bias[chosen]
        return INTERACTION * (vector + OWN * own), number + OWN * bias
