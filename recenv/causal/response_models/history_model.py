"""What the deep response models share: learn once, then keep states and vectors as plain arrays."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any, ClassVar, Generic, NamedTuple, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray

from recenv.causal.fit_checkpoint import FitCheckpoint
from recenv.causal.response_models.history import FOLDS, NOTHING_HIDDEN, HistoryTable
from recenv.causal.response_models.history_network import HistoryNetwork
from recenv.causal.response_models.ordinal_loss import Thresholds
from recenv.causal.response_models.torch_training import Learned, TrainingConfig, train, user_blocks
from recenv.protocol import ResponseData

BLOCK_PAIRS = 65_536
"""Pairs whose utility is computed at once."""
Config = TypeVar("Config", bound=TrainingConfig)


class ReadOut(NamedTuple):
    """A trained model as arrays: x_ui = state[fold of the pair, u] . vector_i + b_u + b_i."""

    state: NDArray[np.float32]
    """(FOLDS + 1, U, D + 1), the user's bias last; entry k is read without fold k, the last from all."""
    vector: NDArray[np.float32]
    """(N, D)."""
    item_bias: NDArray[np.float32]
    """(N,)"""
    pair: NDArray[np.int64]
    """(n,) user * N + item of the training pairs, ascending."""
    fold: NDArray[np.int8]
    """(n,) the fold of each of them."""

    def folds(self, users: NDArray[np.integer], items: NDArray[np.integer]) -> NDArray[np.int64]:
        """Return (n,) which state predicts each pair: one that has not read the pair's own rating."""
        key = users.astype(np.int64) * len(self.vector) + items
        place = np.minimum(np.searchsorted(self.pair, key), len(self.pair) - 1)
        return np.where(self.pair[place] == key, self.fold[place], NOTHING_HIDDEN)

    def utility(self, users: NDArray[np.integer], items: NDArray[np.integer]) -> NDArray[np.float64]:
        """Return (n,) x of each pair."""
        state = self.state[self.folds(users, items), users]
        product = np.einsum("nd,nd->n", state[:, :-1], self.vector[items])
        return product.astype(np.float64) + state[:, -1] + self.item_bias[items]


class HistoryModel(Generic[Config]):
    """A `ResponseModel` that reads the user's training ratings.

    The rating of a pair is never read to predict that pair (see `history`): not while learning, where it is hidden,
    and not afterwards, where a training pair is predicted from the history without its fold. So `utility` means the
    same on logged and unlogged pairs, and its residuals on the training pairs are those of unseen ratings as far as
    the history goes.

    Parameters
    ----------
    options
        Fields of the model's configuration.

    Raises
    ------
    ValueError
        If an option is unknown or out of range.
    """

    config_class: ClassVar[type[Any]]
    network_class: ClassVar[Callable[..., HistoryNetwork]]

    def __init__(self, **options: Any) -> None:
        known = [item.name for item in dataclasses.fields(self.config_class)]
        for name in options:
            if name not in known:
                raise ValueError(f"unknown option {name!r}; {type(self).__name__} takes {', '.join(known)}")
        self.config: Config = self.config_class(**options)
        self._read_out: ReadOut | None = None

    def fit(
        self,
        data: ResponseData,
        *,
        rng: np.random.Generator,
        device: str = "cpu",
        progress: Callable[[int, int, str], None] | None = None,
        checkpoint: FitCheckpoint | None = None,
    ) -> None:
        """Learn by ordinal loss with early stopping on `data.validation`."""
        table = HistoryTable(data.train, data.n_users, data.n_items, rng)
        tau = Thresholds(data.train.level, data.train.weight, len(data.scale)).to(device)
        network = self.network_class(data, self.config, rng).to(device)
        train(
            Learned(network, tau),
            table,
            data.validation,
            self.config,
            rng=rng,
            device=device,
            progress=progress,
            checkpoint=checkpoint,
        )
        self._read_out = _read_out(network, table, device)

    def utility(self, users: NDArray[np.integer], items: NDArray[np.integer]) -> NDArray[np.float64]:
        """Return (n,) how much each pair is liked, in units of the logistic noise of the ratings.

        Raises
        ------
        RuntimeError
            Before `fit`.
        """
        if self._read_out is None:
            raise RuntimeError(f"{type(self).__name__} has not learned anything yet: call fit first")
        users, items = np.broadcast_arrays(np.asarray(users), np.asarray(items))
        found = np.empty(len(users))
        for begin in range(0, len(users), BLOCK_PAIRS):
            part = slice(begin, begin + BLOCK_PAIRS)
            found[part] = self._read_out.utility(users[part], items[part])
        return found


@torch.no_grad()
def _read_out(network: HistoryNetwork, table: HistoryTable, device: str) -> ReadOut:
    """Encode every user without each fold in turn and with everything, and every item once."""
    n_users = len(table.start) - 1
    folds = [
        np.concatenate([_states(network, table, users, fold, device) for users in user_blocks(np.arange(n_users))])
        for fold in range(FOLDS + 1)
    ]
    vector = network.vectors(torch.arange(table.n_items, device=device)).cpu().numpy()
    return ReadOut(np.stack(folds), vector, network.item_bias.cpu().numpy(), *table.folds())


@torch.no_grad()
def _states(
    network: HistoryNetwork, table: HistoryTable, users: NDArray[np.int64], fold: int, device: str
) -> NDArray[np.float32]:
    """Return (B, D + 1) states and biases read from the history without one fold."""
    rows, slot = table.rows(users)
    kept = table.fold[rows] != fold
    encoded = network.encode(table.history(users, rows[kept], slot[kept], device), None)
    return torch.cat([encoded.state, encoded.bias[:, None]], 1).cpu().numpy()
