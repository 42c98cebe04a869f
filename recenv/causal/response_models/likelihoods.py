"""Likelihoods of a rating given its utility x, in torch: what a factorisation minimises.

Both have the logistic noise's deviation pi / sqrt(3), so that a utility, and a prior on it, means the same in both.
"""

from __future__ import annotations

import math

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from recenv.causal.response_models.ordinal_loss import Thresholds, negative_log_likelihood
from recenv.protocol import Ratings

NOISE_VARIANCE = math.pi**2 / 3


class Ordinal(nn.Module):
    """Proportional odds: P(level <= l) = sigmoid(tau_l - x) (`mccullagh1980regression`)."""

    def __init__(self, train: Ratings, scale: NDArray[np.float64]) -> None:
        super().__init__()
        self.tau = Thresholds(train.level, train.weight, len(scale))

    def loss(self, x: torch.Tensor, level: torch.Tensor, spread: torch.Tensor | None = None) -> torch.Tensor:
        """Return (n,) -log P(level | x), the thresholds of each row as far apart as its spread (n,)."""
        return negative_log_likelihood(x, level, self.tau(), spread)

    def imputed_loss(self, x: torch.Tensor, other: Ordinal, other_x: torch.Tensor) -> torch.Tensor:
        """Return (n,) the mean loss over the levels as the other model expects them: the cross-entropy."""
        tau, other_tau = self.tau(), other.tau()
        total = torch.zeros_like(x)
        for level in range(1, len(tau) + 2):
            levels = torch.full_like(x, level, dtype=torch.int64)
            probability = (-negative_log_likelihood(other_x, levels, other_tau)).exp()
            total = total + probability * negative_log_likelihood(x, levels, tau)
        return total


class Gaussian(nn.Module):
    """Normal: s r - m ~ N(x, pi^2 / 3) for the rating value r, with a scale s > 0 and a mean m."""

    values: torch.Tensor

    def __init__(self, train: Ratings, scale: NDArray[np.float64]) -> None:
        super().__init__()
        rating = scale[train.level - 1]
        s = math.sqrt(NOISE_VARIANCE) / max(float(rating.std()), 1e-6)
        mean = float(np.average(rating, weights=train.weight))
        self.mean = nn.Parameter(torch.tensor(mean * s, dtype=torch.float32))
        self.log_scale = nn.Parameter(torch.tensor(math.log(s), dtype=torch.float32))
        self.register_buffer("values", torch.tensor(scale, dtype=torch.float32))

    def loss(self, x: torch.Tensor, level: torch.Tensor) -> torch.Tensor:
        """Return (n,) (s r - m - x)^2 / (2 pi^2 / 3) - log s."""
        away = self.values[level - 1] * self.log_scale.exp() - self.mean - x
        return 0.5 * away**2 / NOISE_VARIANCE - self.log_scale

    def imputed_loss(self, x: torch.Tensor, other: Gaussian, other_x: torch.Tensor) -> torch.Tensor:
        """Return (n,) the mean loss over the ratings as the other model expects them."""
        ratio = (self.log_scale - other.log_scale).exp()
        away = ratio * (other.mean + other_x) - self.mean - x
        return 0.5 * (away**2 / NOISE_VARIANCE + ratio**2) - self.log_scale
