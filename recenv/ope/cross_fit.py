"""Reward models that never predict a user they have learned from."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from recenv.feedback.logged_feedback import LoggedFeedback
from recenv.ope.context import context
from recenv.ope.reward_models import ModelFactory, RewardModel


class FeedbackSource(Protocol):
    """A log in memory or on disk, read in blocks."""

    @property
    def user(self) -> NDArray[np.int64]:
        """(n,) user of each row."""
        ...

    @property
    def n_items(self) -> int:
        """N, the size of the catalogue."""
        ...

    def __len__(self) -> int: ...

    def iter_blocks(self, rows: int = ...) -> Iterator[LoggedFeedback]:
        """Yield the log in order."""
        ...


@dataclass(frozen=True, eq=False)
class CrossFit:
    """One model a fold, and which user is in which."""

    users: NDArray[np.int64]
    """(U,) sorted user ids."""
    fold: NDArray[np.int64]
    """(U,) fold of each; its model has not seen them."""
    models: tuple[RewardModel, ...]
    """Model f was fitted without the users of fold f."""

    def fold_of(self, user: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the fold (n,) of each row's user."""
        return self.fold[np.searchsorted(self.users, user)]

    def q_logged(self, block: LoggedFeedback) -> NDArray[np.float64]:
        """Return the out-of-fold prediction (n,) at the logged items."""
        observation, result = context(block.observation, block.rows), np.empty(block.rows)
        for model, rows in self._parts(block.user):
            result[rows] = model.predict(observation[rows], block.item[rows])
        return result

    def q_all(self, block: LoggedFeedback, candidates: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return the out-of-fold predictions (n, C) at all candidates of a block."""
        observation, result = context(block.observation, block.rows), np.empty(candidates.shape)
        for model, rows in self._parts(block.user):
            result[rows] = model.predict_all(observation[rows], _take(candidates, rows))
        return result

    def _parts(self, user: NDArray[np.int64]) -> Iterator[tuple[RewardModel, NDArray[np.int64]]]:
        fold = self.fold_of(user)
        for number, model in enumerate(self.models):
            rows = np.flatnonzero(fold == number)
            if len(rows):
                yield model, rows


def _take(candidates: NDArray[np.int64], rows: NDArray[np.int64]) -> NDArray[np.int64]:
    if candidates.strides[0] == 0:  # a view that repeats one row stays one
        return np.broadcast_to(candidates[0], (len(rows), candidates.shape[1]))
    return candidates[rows]


def cross_fit(
    feedback: FeedbackSource,
    factory: ModelFactory,
    *,
    folds: int = 3,
    seed: int = 0,
    max_rows: int = 200_000,
    weight: NDArray[np.float64] | None = None,
) -> CrossFit:
    """Fit one reward model a fold, each without that fold's users.

    At most `max_rows` rows, drawn at random, are kept in memory for the fit; predictions are made for all. Rows count
    by `weight` (n,) if it is given, see `mrdr_weight`.
    Reference: Chernozhukov et al. (2018).

    Raises
    ------
    ValueError
        If there are fewer than two folds, fewer users than folds, or weights that are not one number >= 0 a row.
    """
    users = np.unique(feedback.user)
    if not 2 <= folds <= len(users):
        raise ValueError(f"folds must be from 2 to the number of users {len(users)}, not {folds}")
    count = _checked(weight, len(feedback))
    rng = np.random.default_rng(seed)
    fold = rng.permutation(len(users)) % folds
    keep = _keep(len(feedback), max_rows, rng)
    user, observation, item, reward = _sample(feedback, keep)
    fold_of_row = fold[np.searchsorted(users, user)]
    models = []
    for number in range(folds):
        seen = fold_of_row != number
        share = None if count is None else count[keep][seen]
        models.append(factory().fit(observation[seen], item[seen], reward[seen], share))
    return CrossFit(users, fold, tuple(models))


def _checked(weight: NDArray[np.float64] | None, rows: int) -> NDArray[np.float64] | None:
    if weight is None:
        return None
    count = np.asarray(weight, dtype=np.float64)
    if count.shape != (rows,):
        raise ValueError(f"weight must be ({rows},), one number a logged row; its shape is {count.shape}")
    bad = ~(np.isfinite(count) & (count >= 0))
    if bad.any():
        row = int(np.argmax(bad))
        raise ValueError(f"weight must be finite and at least 0; row {row} has {count[row]}")
    return count


def _keep(rows: int, max_rows: int, rng: np.random.Generator) -> NDArray[np.bool_]:
    keep = np.ones(rows, dtype=bool)
    if rows > max_rows:
        keep[rng.permutation(rows)[max_rows:]] = False
    return keep


def _sample(
    feedback: FeedbackSource, keep: NDArray[np.bool_]
) -> tuple[NDArray[np.int64], NDArray[np.float32], NDArray[np.int64], NDArray[np.float64]]:
    parts, done = [], 0
    for block in feedback.iter_blocks():
        rows = keep[done : done + block.rows]
        parts.append(
            (block.user[rows], context(block.observation, block.rows)[rows], block.item[rows], block.reward[rows])
        )
        done += block.rows
    user, observation, item, reward = (np.concatenate(column) for column in zip(*parts, strict=True))
    return user, observation, item, reward
