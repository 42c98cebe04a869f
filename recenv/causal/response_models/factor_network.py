"""The parameters of a factorisation, in torch: x = taste . V + b_u + b_i (+ gamma_u (theta_u . beta_i - mean))."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from recenv.causal.exposure_models.poisson import PoissonExposure
from recenv.causal.factors import Factors

START = 0.1
"""Deviation of the factors' start values."""


class Substitute(NamedTuple):
    """The substitute confounder theta_u . beta_i - centre, of mean 0 and deviation 1 over all pairs."""

    user: NDArray[np.float64]
    """(U, K) theta."""
    item: NDArray[np.float64]
    """(N, K) beta."""
    centre: float

    @classmethod
    def of(cls, exposure: PoissonExposure, users: NDArray[np.integer], items: NDArray[np.integer]) -> Substitute:
        """Return it from an exposure model and pairs to standardise over."""
        intensity = exposure.intensity(users, items)
        unit = max(float(intensity.std()), 1e-9)
        return cls(exposure.user / unit, exposure.item, float(intensity.mean()) / unit)


class FactorNetwork(nn.Module):
    """Factors and biases; with a substitute confounder also each user's response to it."""

    theta: torch.Tensor
    beta: torch.Tensor

    def __init__(
        self, n_users: int, n_items: int, dims: int, substitute: Substitute | None, rng: np.random.Generator
    ) -> None:
        super().__init__()
        self.taste = _parameter(rng.normal(0, START, (n_users, dims)))
        self.embedding = _parameter(rng.normal(0, START, (n_items, dims)))
        self.user_bias, self.item_bias = _parameter(np.zeros(n_users)), _parameter(np.zeros(n_items))
        self.substitute = substitute is not None
        if substitute is not None:
            self.gamma, self.own_gamma = _parameter(np.zeros(1)), _parameter(np.zeros(n_users))
            self.centre = substitute.centre
            self.register_buffer("theta", torch.tensor(substitute.user, dtype=torch.float32))
            self.register_buffer("beta", torch.tensor(substitute.item, dtype=torch.float32))

    def forward(self, user: torch.Tensor, item: torch.Tensor) -> torch.Tensor:
        """Return (n,) x."""
        rows = nn.functional.embedding
        x = (rows(user, self.taste) * rows(item, self.embedding)).sum(-1) + self.user_bias[user] + self.item_bias[item]
        if self.substitute:
            intensity = (rows(user, self.theta) * rows(item, self.beta)).sum(-1)
            x = x + (self.gamma + self.own_gamma[user]) * (intensity - self.centre)
        return x

    def prior(self, factor_penalty: float, bias_penalty: float) -> torch.Tensor:
        """Return half the penalised squares."""
        factors = (self.taste**2).sum() + (self.embedding**2).sum()
        biases = (self.user_bias**2).sum() + (self.item_bias**2).sum()
        if self.substitute:
            biases = biases + (self.own_gamma**2).sum()
        return 0.5 * (factor_penalty * factors + bias_penalty * biases)

    def factors(self) -> Factors:
        """Return them as numbers, the columns of the substitute last."""
        taste, embedding, user_bias = _numbers(self.taste), _numbers(self.embedding), _numbers(self.user_bias)
        if self.substitute:
            response = _numbers(self.gamma + self.own_gamma)
            taste = np.column_stack([taste, response[:, None] * _numbers(self.theta)])
            embedding = np.column_stack([embedding, _numbers(self.beta)])
            user_bias = user_bias - self.centre * response
        return Factors(taste, embedding, user_bias, _numbers(self.item_bias))


def _parameter(values: NDArray[np.float64]) -> nn.Parameter:
    return nn.Parameter(torch.tensor(values, dtype=torch.float32))


def _numbers(tensor: torch.Tensor) -> NDArray[np.float64]:
    return tensor.detach().cpu().numpy().astype(np.float64)
