"""What a position does to an item, whatever the item: it is seen less the lower it stands.

    weight_k = exp(c p_k)        p_0 = 0, c = 10

It is learned beside what items are worth, and left out when items are compared (Guo et al. 2019, `guo2019pal`). Without
it, what stands on top earns more because it stands there, is thought better, and stays.
"""

from __future__ import annotations

import torch
from torch import nn

SPEED = 10.0
"""c: Adam moves a parameter by its rate, and the effect of a position is large and well told."""
POSITIONS = 64
"""Positions that have an effect of their own; those below have that of the last."""


class PositionEffect(nn.Module):
    """Log of the weight of each position against the first; all 0 at first."""

    def __init__(self) -> None:
        super().__init__()
        self.lower = nn.Parameter(torch.zeros(POSITIONS - 1))

    def forward(self, size: int) -> torch.Tensor:
        """Return (K,) log weights of the positions of a slate; the first is 0."""
        place = torch.arange(size - 1, device=self.lower.device).clamp(max=POSITIONS - 2)
        return torch.cat([self.lower.new_zeros(1), SPEED * self.lower[place]])
