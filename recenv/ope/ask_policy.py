"""Asking a policy for its probabilities, and not believing it blindly."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from recenv.protocol import Policy, Request

TOLERANCE = 1e-4
"""How far a row may be from 1: float32 over ten thousand items stays far below it."""


def ask(name: str, policy: Policy, request: Request, first_row: int = 0) -> NDArray[np.floating]:
    """Return the policy's probabilities (B, C), checked.

    Raises
    ------
    ValueError
        If the shape is not that of the candidates, a probability is negative or NaN, a row does not sum to 1, or
        something that is no candidate has a probability; the message names the row of the log.
    """
    answer = np.asarray(policy.probabilities(request))
    shape = request.candidates.shape
    if answer.shape != shape:
        raise ValueError(
            f"policy {name!r} returned probabilities of shape {answer.shape} for candidates of shape {shape} "
            f"(rows from {first_row}): return one probability a candidate, in their order"
        )
    check_total(f"policy {name!r}", answer, first_row)
    _check_pads(name, answer, request.candidates, first_row)
    return answer


def check_total(what: str, answer: NDArray[np.floating], first_row: int) -> None:
    """Raise ValueError unless every row (B, C) is a distribution; `what` the message calls them."""
    if not answer.min() >= 0:
        row = int(np.argmin(np.where(np.isnan(answer), -np.inf, answer).min(axis=1)))
        raise ValueError(f"{what}: row {first_row + row} has probability {answer[row].min()}: it must be >= 0")
    off = np.abs(answer.sum(axis=1, dtype=np.float64) - 1) > TOLERANCE
    if off.any():
        row = int(np.argmax(off))
        raise ValueError(
            f"{what}: the probabilities of row {first_row + row} sum to {answer[row].sum():.6g}, not 1: "
            "normalise them over the candidates"
        )


def _check_pads(name: str, answer: NDArray[np.floating], candidates: NDArray[np.int64], first_row: int) -> None:
    if candidates.strides[0] == 0 and (candidates[0] >= 0).all():  # one row repeated, and it has no pads
        return
    wrong = ((candidates < 0) & (answer > 0)).any(axis=1)
    if wrong.any():
        row = int(np.argmax(wrong))
        raise ValueError(
            f"policy {name!r}: row {first_row + row} gives probability to a candidate that is -1: give it 0, it may "
            "not be shown"
        )


def column_of(items: NDArray[np.int64], candidates: NDArray[np.int64], first_row: int = 0) -> NDArray[np.int64]:
    """Return the column (B,) of each logged item among the candidates.

    Raises
    ------
    ValueError
        If a logged item is no candidate, as when the log says that no item is repeated and one is.
    """
    inside = np.minimum(items, candidates.shape[1] - 1)
    place = np.where(candidates[np.arange(len(items)), inside] == items, inside, -1)
    rest = np.flatnonzero(place < 0)
    if len(rest):
        equal = candidates[rest] == items[rest, None]
        place[rest] = np.where(equal.any(axis=1), equal.argmax(axis=1), -1)
    if (place < 0).any():
        row = int(np.argmax(place < 0))
        raise ValueError(
            f"row {first_row + row}: item {items[row]} was shown but is no candidate: if items may be shown again in "
            "an episode, set repeat to True in the log's meta; else drop the row"
        )
    return place
