"""Autoencoder of a user's ratings, denoising, on request with a variational code.

AutoRec (`sedhain2015autorec`) and its variational form (`liang2018variational`), with an ordinal likelihood.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn

from recenv.causal.response_models.history import History
from recenv.causal.response_models.history_model import HistoryModel
from recenv.causal.response_models.history_network import Encoded, HistoryNetwork
from recenv.causal.response_models.layers import RatingSum, dropout, fill, linear
from recenv.causal.response_models.torch_training import TrainingConfig
from recenv.protocol import ResponseData

START_LOG_RATIO = -2.0
"""Of the code's variance to its prior's, before anything is learned: less noise, or it never starts to learn."""


@dataclass(frozen=True)
class AutoencoderConfig(TrainingConfig):
    """How the autoencoder is built and trained."""

    width: int = 256
    """Units of the first layer."""
    layers: int = 1
    """Hidden layers before the code."""
    variational: bool = False
    """The code is a distribution N(m, s^2), pulled by its divergence to the prior N(0, 1 / factor_penalty); the mean
    is what predicts afterwards."""

    def __post_init__(self) -> None:
        """Refuse values that cannot work, by name."""
        super().__post_init__()
        if self.variational and self.factor_penalty == 0.0:
            raise ValueError("variational needs a factor_penalty above 0: it is the precision of the code's prior")


class AutoencoderNetwork(HistoryNetwork):
    """Ratings -> tanh layers -> code -> the utility of every item."""

    def __init__(self, data: ResponseData, config: AutoencoderConfig, rng: np.random.Generator) -> None:
        super().__init__(data)
        self.config = config
        self.sum = RatingSum(data.n_items, config.width)
        self.shift = nn.Parameter(torch.zeros(config.width))
        self.hidden = nn.ModuleList(linear(config.width, config.width) for _ in range(config.layers - 1))
        self.code = linear(config.width, config.dims)
        if config.variational:
            self.log_variance = linear(config.width, config.dims)
        self.output = nn.Parameter(torch.empty(data.n_items, config.dims))
        fill(self, rng)
        if config.variational:
            nn.init.constant_(self.log_variance.bias, START_LOG_RATIO)

    def encode(self, history: History, generator: torch.Generator | None) -> Encoded:
        """Return the code, or its mean where nothing is learned."""
        share = self.config.dropout
        x = dropout(torch.tanh(self.sum(history) + self.shift), share, generator)
        for layer in self.hidden:
            x = dropout(torch.tanh(layer(x)), share, generator)
        code = self.code(x)
        if not self.config.variational:
            return self.encoded(history, code)
        return self._variational(history, code, self.log_variance(x), generator)

    def _variational(
        self, history: History, mean: torch.Tensor, log_ratio: torch.Tensor, generator: torch.Generator | None
    ) -> Encoded:
        """Return a code drawn from N(mean, exp(log_ratio) / p) and squares so that p/2 of them is its divergence.

        p is the prior precision: KL = p/2 (|mean|^2 + sum(exp(r) - 1 - r) / p).
        """
        precision = self.config.factor_penalty
        encoded = self.encoded(history, mean, (log_ratio.exp() - 1.0 - log_ratio).sum(1) / precision)
        if generator is None:
            return encoded
        noise = torch.randn(mean.shape, generator=generator, device=mean.device)
        return encoded._replace(state=mean + noise * torch.exp(0.5 * log_ratio) / math.sqrt(precision))

    def vectors(self, ids: torch.Tensor) -> torch.Tensor:
        """Return (n, D)."""
        return nn.functional.embedding(ids, self.output)


class Autoencoder(HistoryModel[AutoencoderConfig]):
    """x = decoder(encoder(the user's ratings)) + b_u + b_i."""

    config_class = AutoencoderConfig
    network_class = AutoencoderNetwork
