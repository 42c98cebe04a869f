"""Propensities that nobody logged, estimated for every user by a model that has not seen this user."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recenv.ope.calibration import CALIBRATIONS, Calibration
from recenv.ope.context import context
from recenv.ope.cross_fit import FeedbackSource
from recenv.protocol import Policy, Request

FLOOR = 1e-4
"""Smallest calibrated probability of a candidate before renormalising."""
CELLS = 1_000_000
"""Rows times candidates that a calibration is fitted on."""


@dataclass(frozen=True, eq=False)
class CrossFitPropensity:
    """A logging policy estimated out of fold and calibrated; pass it as `propensity_model=`.

    Every number that rests on it is marked as estimated. It answers for the users of its log only.
    """

    users: NDArray[np.int64]
    """(U,) sorted user ids."""
    fold: NDArray[np.int64]
    """(U,) fold of each; its model and calibration have not seen them."""
    models: tuple[Policy, ...]
    """Model f was fitted without the users of fold f."""
    calibrations: tuple[Calibration | None, ...]
    """Calibration f was fitted on out-of-fold answers of the other folds."""

    def probabilities(self, request: Request) -> NDArray[np.float64]:
        """Return (B, C) probabilities that sum to 1 over the candidates.

        Raises
        ------
        ValueError
            If the request has no users, or one who is not in the log.
        """
        if request.users is None:
            raise ValueError("request.users is missing: out-of-fold propensities need to know whose rows these are")
        place = np.minimum(np.searchsorted(self.users, request.users), len(self.users) - 1)
        strange = self.users[place] != request.users
        if strange.any():
            row = int(np.argmax(strange))
            raise ValueError(f"row {row}: user {request.users[row]} is not in the log that the propensities are of")
        fold, answer = self.fold[place], np.zeros(request.candidates.shape)
        for number, (model, calibration) in enumerate(zip(self.models, self.calibrations, strict=True)):
            rows = np.flatnonzero(fold == number)
            if len(rows):
                answer[rows] = _calibrated(model, calibration, _part(request, rows))
        return answer


def cross_fit_propensity(
    feedback: FeedbackSource,
    model: Any,
    *,
    folds: int = 3,
    calibration: str | None = "isotonic",
    seed: int = 0,
    max_rows: int = 200_000,
) -> CrossFitPropensity:
    """Estimate the logging policy by user-wise cross-fitting and calibrate it.

    Parameters
    ----------
    model : object with `fit(observation, item, n_items)` and `probabilities(request)`
        Such as `ClassifierPropensity` or `ItemSharePropensity`; copies of it are fitted.
    calibration : str or None
        "isotonic", "platt", or None; fitted on whether a candidate was shown, renormalised afterwards.
    max_rows : int
        At most so many rows, drawn at random, are kept in memory.

    Raises
    ------
    ValueError
        If there are fewer than two folds, fewer users than folds, or the calibration is unknown.

    Reference: Chernozhukov et al. (2018).
    """
    if calibration is not None and calibration not in CALIBRATIONS:
        raise ValueError(f"there is no calibration {calibration!r}; there are {', '.join(CALIBRATIONS)}, None")
    users = np.unique(feedback.user)
    if not 2 <= folds <= len(users):
        raise ValueError(f"folds must be from 2 to the number of users {len(users)}, not {folds}")
    rng = np.random.default_rng(seed)
    fold = rng.permutation(len(users)) % folds
    chance = min(1.0, max_rows / max(len(feedback), 1))
    blocks = [block.subset(np.flatnonzero(rng.random(block.rows) < chance)) for block in feedback.iter_blocks()]
    observation = np.concatenate([context(block.observation, block.rows) for block in blocks])
    item = np.concatenate([block.item for block in blocks])
    fold_of_row = fold[np.searchsorted(users, np.concatenate([block.user for block in blocks]))]
    models = []
    for number in range(folds):
        seen = fold_of_row != number
        models.append(copy.deepcopy(model).fit(observation[seen], item[seen], feedback.n_items))
    plain = CrossFitPropensity(users, fold, tuple(models), (None,) * folds)
    if calibration is None:
        return plain
    return CrossFitPropensity(users, fold, tuple(models), _calibrations(plain, blocks, calibration, rng))


def _calibrations(
    plain: CrossFitPropensity, blocks: list[Any], name: str, rng: np.random.Generator
) -> tuple[Calibration, ...]:
    probability, happened, fold = [], [], []
    rows = sum(block.rows for block in blocks)
    for block in blocks:
        request = block.request()
        share = min(1.0, CELLS / (rows * request.candidates.shape[1]))
        few = np.flatnonzero(rng.random(block.rows) < share)
        part = _part(request, few)
        allowed = part.candidates >= 0
        probability.append(plain.probabilities(part)[allowed])
        happened.append((part.candidates == block.item[few, None])[allowed].astype(np.float64))
        of_row = plain.fold[np.searchsorted(plain.users, block.user[few])]
        fold.append(np.broadcast_to(of_row[:, None], allowed.shape)[allowed])
    cells, shown, number = np.concatenate(probability), np.concatenate(happened), np.concatenate(fold)
    return tuple(
        CALIBRATIONS[name](cells[number != one], shown[number != one]) for one in range(len(plain.calibrations))
    )


def _part(request: Request, rows: NDArray[np.int64]) -> Request:
    given = request.observation
    some = given[rows] if isinstance(given, np.ndarray) else {name: array[rows] for name, array in given.items()}
    users = None if request.users is None else request.users[rows]
    return request._replace(observation=some, candidates=request.candidates[rows], users=users)


def _calibrated(model: Policy, calibration: Calibration | None, request: Request) -> NDArray[np.float64]:
    answer = np.asarray(model.probabilities(request), dtype=np.float64)
    if calibration is None:
        return answer
    allowed = request.candidates >= 0
    moved = np.where(allowed, np.maximum(calibration(answer), FLOOR), 0.0)
    return np.asarray(moved / moved.sum(axis=1, keepdims=True))
