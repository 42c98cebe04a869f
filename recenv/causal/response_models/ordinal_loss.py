"""The ordinal likelihood in torch: P(level <= l) = sigmoid(tau_l - x) (`mccullagh1980regression`)."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

EDGE = 400.0
"""Stands for infinity, also where a spread makes a tenth of it: sigmoid(40) is 1 in float32."""


class Thresholds(nn.Module):
    """Ascending thresholds tau (L - 1,): a first one and positive gaps, started at the log-odds of the level shares."""

    def __init__(self, level: NDArray[np.integer], weight: NDArray[np.float64], levels: int) -> None:
        super().__init__()
        share = np.bincount(level - 1, weights=weight, minlength=levels) + 1.0
        cuts = np.cumsum(share / share.sum())[:-1]
        tau = np.log(cuts / (1.0 - cuts))
        gaps = np.maximum(np.diff(tau), 1e-2)
        self.first = nn.Parameter(torch.tensor(tau[:1], dtype=torch.float32))
        self.gaps = nn.Parameter(torch.tensor(np.log(np.expm1(gaps)), dtype=torch.float32))

    def forward(self) -> torch.Tensor:
        """Return tau (L - 1,)."""
        return torch.cat([self.first, self.first + torch.cumsum(nn.functional.softplus(self.gaps), 0)])


def negative_log_likelihood(
    utility: torch.Tensor, level: torch.Tensor, tau: torch.Tensor, spread: torch.Tensor | None = None
) -> torch.Tensor:
    """Return (n,) -log(sigmoid(tau_l - x) - sigmoid(tau_{l-1} - x)), stable in both tails.

    Parameters
    ----------
    utility
        (n,) x.
    level
        (n,) 1..L.
    tau
        (L - 1,) ascending.
    spread
        (n,) above 0: how far the thresholds of each row are apart, about the middle one; see `item_spread`.
    """
    edge = tau.new_full((1,), EDGE)
    cuts = torch.cat([-edge, tau, edge])
    above, below = cuts[level], cuts[level - 1]
    if spread is not None:
        centre = tau[len(tau) // 2]
        above, below = centre + (above - centre) * spread, centre + (below - centre) * spread
    upper, lower = above - utility, below - utility
    # log(sigmoid(u) - sigmoid(l)) = logsig(u) + logsig(-l) + log(1 - exp(l - u))
    gap = torch.log(-torch.expm1((lower - upper).clamp(max=-1e-6)))
    return -(nn.functional.logsigmoid(upper) + nn.functional.logsigmoid(-lower) + gap)
