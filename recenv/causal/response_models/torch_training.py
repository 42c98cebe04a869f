"""One training loop for every network that predicts a user's opinions from the user's history."""

from __future__ import annotations

import copy
import dataclasses
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from recenv.causal.fit_checkpoint import FitCheckpoint
from recenv.causal.response_models.epochs import Stopping, run_epochs
from recenv.causal.response_models.history import History, HistoryTable, Targets
from recenv.causal.response_models.history_network import Encoded, HistoryNetwork
from recenv.causal.response_models.ordinal_loss import Thresholds, negative_log_likelihood
from recenv.protocol import Ratings

BLOCK_USERS = 256
"""Users encoded at once when nothing is learned."""


@dataclass(frozen=True)
class TrainingConfig:
    """How a network learns; the defaults were chosen on the validation rows of ML-100k."""

    dims: int = 64
    """D, size of states and vectors."""
    learning_rate: float = 2e-3
    """Of AdamW."""
    factor_penalty: float = 3.0
    """Prior precision of states and vectors, in units of one rating's log-likelihood."""
    bias_penalty: float = 1.5
    """The same for the biases."""
    weight_decay: float = 0.1
    """Decoupled, of AdamW, on all tables and matrices."""
    dropout: float = 0.5
    """Share of the units dropped while learning."""
    hidden: float = 0.5
    """Share of a user's ratings that is hidden and predicted from the rest, drawn anew in every epoch."""
    batch_users: int = 32
    """Users a gradient step, with all their ratings."""
    averaging: int = 100
    """Gradient steps that the parameters are averaged over (exponentially), against the noise of the batches."""
    epochs: int = 200
    """At most; the best validation epoch is kept."""
    patience: int = 8
    """Epochs without improvement before stopping."""

    def __post_init__(self) -> None:
        """Refuse values that cannot work, by name."""
        for item in dataclasses.fields(self):
            value, whole = getattr(self, item.name), item.type == "int"
            if whole and not (value >= 1 and value == int(value)):
                raise ValueError(f"{item.name} must be a whole number of at least 1, got {value!r}")
            if not 0 <= value < math.inf:
                raise ValueError(f"{item.name} must be 0 or more, got {value!r}")
        if not 0.0 < self.hidden < 1.0:
            raise ValueError(f"hidden must be in (0, 1), got {self.hidden}: it is the share of ratings to predict")
        if self.dropout >= 1.0:
            raise ValueError(f"dropout must be in [0, 1), got {self.dropout}")
        if self.learning_rate == 0.0:
            raise ValueError("learning_rate must be above 0, got 0: nothing would be learned")


class Learned(nn.Module):
    """Everything that is learned: the network and the thresholds."""

    def __init__(self, network: HistoryNetwork, tau: Thresholds) -> None:
        super().__init__()
        self.network, self.tau = network, tau

    def losses(self, encoded: Encoded, targets: Targets, vector: torch.Tensor) -> torch.Tensor:
        """Return (n,) the weighted loss of each target; `vector` (n, D) are those of the targets' items."""
        utility = encoded.utility(targets, vector)
        return targets.weight * negative_log_likelihood(utility, targets.level, self.tau())


def train(
    learned: Learned,
    table: HistoryTable,
    validation: Ratings,
    config: TrainingConfig,
    *,
    rng: np.random.Generator,
    device: str,
    progress: Callable[[int, int, str], None] | None = None,
    checkpoint: FitCheckpoint | None = None,
) -> None:
    """Minimise the weighted ordinal loss of hidden ratings; leave the averaged parameters of the best epoch.

    Every epoch hides another random part of each user's ratings. The loss of a batch is sum_i w_i nll_i / n plus the
    prior; it is not divided by the sum of the weights, so weights that do not average 1 act against the prior.
    """
    average, optimiser = copy.deepcopy(learned), _optimiser(learned, config)
    generator = torch.Generator(device).manual_seed(int(rng.integers(2**63)))

    def epoch(number: int) -> float:
        batches = _batches(table, config, rng, device)
        for step, (history, targets) in enumerate(batches, 1 + number * table.batches(config.batch_users)):
            optimiser.zero_grad(set_to_none=True)
            _objective(learned, history, targets, config, generator).backward()
            optimiser.step()
            _move(average, learned, 1.0 / min(step, config.averaging))
        return _validation_score(average, table, validation, device)

    def said(done: int, text: str) -> None:
        if progress is not None:
            progress(done, config.epochs, text)

    run_epochs(
        epoch,
        average,
        [learned, optimiser, generator],
        Stopping(config.epochs, config.patience),
        rng,
        progress=said,
        checkpoint=checkpoint,
    )
    learned.load_state_dict(average.state_dict())


def _optimiser(learned: nn.Module, config: TrainingConfig) -> torch.optim.Optimizer:
    """Return AdamW that lets biases, norms and thresholds be: those have their prior, or none."""
    decayed = [parameter for parameter in learned.parameters() if parameter.ndim > 1]
    free = [parameter for parameter in learned.parameters() if parameter.ndim == 1]
    groups = [{"params": decayed, "weight_decay": config.weight_decay}, {"params": free, "weight_decay": 0.0}]
    return torch.optim.AdamW(groups, lr=config.learning_rate)


@torch.no_grad()
def _move(average: nn.Module, towards: nn.Module, share: float) -> None:
    torch._foreach_lerp_(list(average.parameters()), list(towards.parameters()), share)


def _batches(
    table: HistoryTable, config: TrainingConfig, rng: np.random.Generator, device: str
) -> Iterator[tuple[History, Targets]]:
    """Yield users in random order, each with its ratings divided into what is read and what is predicted."""
    users = rng.permutation(np.flatnonzero(np.diff(table.start)))
    for batch in np.array_split(users, table.batches(config.batch_users)):
        rows, slot = table.rows(batch)
        hidden = rng.random(len(rows)) < config.hidden
        hidden[rng.integers(len(rows))] = True  # never a batch without anything to predict
        history = table.history(batch, rows[~hidden], slot[~hidden], device)
        yield history, table.targets(rows[hidden], slot[hidden], device)


def _objective(
    learned: Learned,
    history: History,
    targets: Targets,
    config: TrainingConfig,
    generator: torch.Generator,
) -> torch.Tensor:
    """Return the loss of the hidden ratings plus half the prior's squares, both a rating."""
    network = learned.network
    encoded = network.encode(history, generator)
    vector = network.vectors(targets.item)
    loss = learned.losses(encoded, targets, vector).mean()
    # A user's state is drawn once an epoch, an item's vector as often as it is a target: hence its 1 / count.
    states = encoded.squares.sum() / (len(history.item) + len(targets.item))
    vectors = ((vector**2).sum(1) * network.inverse_count[targets.item]).mean()
    biases = ((network.user_bias**2).sum() + (network.item_bias**2).sum()) / network.rows
    return loss + 0.5 * (config.factor_penalty * (states + vectors) + config.bias_penalty * biases)


@torch.no_grad()
def _validation_score(learned: Learned, table: HistoryTable, validation: Ratings, device: str) -> float:
    """Return the weighted mean log-loss of the validation rows, each predicted from all its user's training ratings."""
    order = np.argsort(validation.user, kind="stable")
    user, *columns = (np.asarray(column)[order] for column in validation[:4])
    total = 0.0
    for users in user_blocks(np.unique(user)):
        rows, slot = table.rows(users)
        encoded = learned.network.encode(table.history(users, rows, slot, device), None)
        part = slice(*np.searchsorted(user, [users[0], users[-1] + 1]))
        place = np.searchsorted(users, user[part])
        targets = Targets.of(place, *(column[part] for column in columns), device=device)
        total += float(learned.losses(encoded, targets, learned.network.vectors(targets.item)).sum())
    return total / float(np.sum(validation.weight))


def user_blocks(users: NDArray[np.int64]) -> list[NDArray[np.int64]]:
    """Return the users in blocks that fit into memory whatever their number."""
    return np.array_split(users, max(1, -(-len(users) // BLOCK_USERS)))
