"""A log as batches of tensors, and its users split into those that teach and those that decide when to stop."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple, Protocol

import numpy as np
import torch
from numpy.typing import NDArray

from recenv.agents.observations import flat_observation
from recenv.protocol import Catalogue, Request

CELLS = 4_000_000
"""Rows times items that are scored at once."""


class Log(Protocol):
    """What is asked of a log; `LoggedFeedback` is one."""

    observation: Mapping[str, NDArray[Any]]
    user: NDArray[np.int64]
    item: NDArray[np.int64]
    reward: NDArray[np.float64]
    propensity: NDArray[np.float64]
    has_slates: bool
    n_items: int

    def request(self, rows: NDArray[np.int64]) -> Request:
        """Return what a policy is asked at these rows."""
        ...


class Batch(NamedTuple):
    """Some rows of a log."""

    observation: torch.Tensor
    """(B, O)."""
    candidates: torch.Tensor
    """(B, C) item ids, -1 where there is none."""
    column: torch.Tensor
    """(B,) column of the logged item."""
    reward: torch.Tensor
    """(B,) standardised."""
    propensity: torch.Tensor
    """(B,) of the logged item."""


class OfflineRows:
    """A log, checked against a catalogue, with rewards of mean 0 and deviation 1.

    Raises
    ------
    ValueError
        If the log shows slates, has no propensities or observations, or has items that the catalogue has not.
    """

    def __init__(self, log: Log, catalogue: Catalogue, device: torch.device) -> None:
        _check(log, catalogue)
        self.log, self.device = log, device
        self.observation = flat_observation(log.observation, catalogue.observation_size)
        self.user, self.item, self.propensity = log.user, log.item, log.propensity
        self.level = float(log.reward.mean())
        self.unit = float(log.reward.std()) or 1.0
        self.reward = (log.reward - self.level) / self.unit

    def batch(self, rows: NDArray[np.int64]) -> Batch:
        """Return rows (B,) as tensors."""
        candidates = self.log.request(rows).candidates
        column = (candidates == self.item[rows][:, None]).argmax(axis=1)
        return Batch(
            torch.as_tensor(self.observation[rows], device=self.device),
            torch.as_tensor(np.array(candidates), device=self.device),
            torch.as_tensor(column, device=self.device),
            torch.as_tensor(self.reward[rows], dtype=torch.float32, device=self.device),
            torch.as_tensor(self.propensity[rows], dtype=torch.float32, device=self.device),
        )

    def blocks(self, rows: NDArray[np.int64]) -> Iterator[tuple[slice, Batch]]:
        """Yield all rows in order, as many at a time as `CELLS` allows, with their place."""
        step = max(1, CELLS // self.log.n_items)
        for start in range(0, len(rows), step):
            place = slice(start, min(start + step, len(rows)))
            yield place, self.batch(rows[place])

    def pairs(self, rows: NDArray[np.int64]) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Return observation (B, O), item (B, 1) and standardised reward (B,) of rows, without their candidates."""
        observation = torch.as_tensor(self.observation[rows], device=self.device)
        item = torch.as_tensor(self.item[rows][:, None], device=self.device)
        return observation, item, torch.as_tensor(self.reward[rows], dtype=torch.float32, device=self.device)

    def observation_scale(self, rows: NDArray[np.int64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return mean and deviation (O,) of the observations of rows; 1 where a column does not vary."""
        flat = self.observation[rows]
        deviation = flat.std(axis=0, dtype=np.float64)
        return flat.mean(axis=0, dtype=np.float64), np.where(deviation > 1e-6, deviation, 1.0)


class Parts(NamedTuple):
    """Rows of a log by what they are for; no user is in two of them."""

    folds: tuple[NDArray[np.int64], ...]
    """Rows to learn from, by fold of the cross-fit."""
    held_out: NDArray[np.int64]
    """Rows that decide when to stop."""

    @property
    def train(self) -> NDArray[np.int64]:
        """All rows to learn from."""
        return np.concatenate(self.folds)

    def without(self, fold: int) -> NDArray[np.int64]:
        """Return the rows to learn from that are not in a fold."""
        return np.concatenate([rows for number, rows in enumerate(self.folds) if number != fold])


def split_users(
    user: NDArray[np.int64], held_out: float, folds: int, max_held_out: int, rng: np.random.Generator
) -> Parts:
    """Return the parts of a log with these users (n,); at most `max_held_out` rows are held out, whole users.

    Raises
    ------
    ValueError
        If there are too few users for every part to have two.
    """
    users, code, count = np.unique(user, return_inverse=True, return_counts=True)
    order = rng.permutation(len(users))
    apart = max(2, round(held_out * len(users)))
    apart = max(2, min(apart, int(np.searchsorted(np.cumsum(count[order]), max_held_out))))
    if len(users) < apart + 2 * folds:
        raise ValueError(
            f"the log has {len(users)} users, and learning from it needs at least {2 + 2 * folds}: users are held out "
            "to decide when to stop; pass a log of more users"
        )
    part = np.full(len(users), -1)
    part[order[apart:]] = np.arange(len(users) - apart) % folds
    of_row = part[code]
    return Parts(tuple(np.flatnonzero(of_row == fold) for fold in range(folds)), np.flatnonzero(of_row == -1))


def _check(log: Any, catalogue: Catalogue) -> None:
    if log.has_slates:
        raise ValueError("the log shows slates of several items: this learner needs one item a step")
    if np.isnan(log.propensity).any():
        raise ValueError(
            "the log has no propensities: log the probability of the shown item, or estimate it and pass "
            "log.with_propensity(...)"
        )
    if not log.observation:
        raise ValueError(
            "the log has no observation, so all users look alike: use best_fixed, or log what the policy saw"
        )
    if log.n_items > catalogue.n_items:
        raise ValueError(
            f"the log has {log.n_items} items, and the catalogue {catalogue.n_items}: pass that of the log"
        )
