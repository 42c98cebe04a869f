"""Reward models of the learners from a log: two towers, fitted by squared error, stopped on held-out users."""

from __future__ import annotations

import copy

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from recenv.agents.offline.config import OfflineConfig
from recenv.agents.offline.rows import OfflineRows
from recenv.agents.towers import TowerNetwork
from recenv.protocol import Catalogue

MEASUREMENTS = 40
"""Of the held-out users, at most, while one model is trained."""


class BestSoFar:
    """Keeps the parameters of the best measurement, and says when to stop.

    Parameters
    ----------
    network
        Whose parameters are kept.
    patience
        Measurements without a gain that are waited for.
    """

    def __init__(self, network: nn.Module, patience: int) -> None:
        self.network, self.patience = network, patience
        self.score, self.waited = -np.inf, 0
        self.state = copy.deepcopy(network.state_dict())

    def measured(self, score: float) -> bool:
        """Take a score (higher is better); return whether to stop."""
        self.waited += 1
        if score > self.score:
            self.score, self.waited = score, 0
            self.state = copy.deepcopy(self.network.state_dict())
        return self.waited >= self.patience

    def restore(self) -> None:
        """Put the best parameters back."""
        self.network.load_state_dict(self.state)


def measure_every(rows: int, config: OfflineConfig) -> int:
    """Return the gradient steps between two measurements: an epoch, or less where an epoch is long."""
    return int(max(1, min(-(-rows // config.batch_size), config.steps // MEASUREMENTS)))


def fresh_network(
    catalogue: Catalogue, rows: OfflineRows, train: NDArray[np.int64], config: OfflineConfig, rng: np.random.Generator
) -> TowerNetwork:
    """Return towers with the observation scale of the training rows; items start alike, with a score of 0."""
    network = TowerNetwork(
        catalogue.features, catalogue.observation_size, width=config.width, dims=config.dims, rng=rng
    ).to(rows.device)
    network.set_observation_scale(*rows.observation_scale(train))
    with torch.no_grad():
        for layer in (network.item_tower.skip, network.item_tower.out):
            layer.weight.zero_()
    return network


def fit_reward(
    network: TowerNetwork,
    rows: OfflineRows,
    train: NDArray[np.int64],
    held_out: NDArray[np.int64],
    config: OfflineConfig,
    rng: np.random.Generator,
) -> float:
    """Fit towers to the standardised reward of the logged items; return the squared error on the held-out users."""
    optimiser = torch.optim.AdamW(network.parameters(), lr=config.learning_rate, weight_decay=config.weight_decay)
    best, every = BestSoFar(network, config.patience), measure_every(len(train), config)
    for step in range(config.steps):
        observation, item, reward = rows.pairs(train[rng.integers(len(train), size=config.batch_size)])
        loss = nn.functional.mse_loss(network.pair_scores(observation, item)[:, 0], reward)
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        optimiser.step()
        if (step + 1) % every == 0 and best.measured(-_error(network, rows, held_out)):
            break
    best.restore()
    return -best.score


def _error(network: TowerNetwork, rows: OfflineRows, held_out: NDArray[np.int64]) -> float:
    with torch.no_grad():
        observation, item, reward = rows.pairs(held_out)
        return float(nn.functional.mse_loss(network.pair_scores(observation, item)[:, 0], reward))
