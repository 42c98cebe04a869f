"""What a policy of single items would show at each position of a slate."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from recenv.feedback.confounded import draw
from recenv.ope.ask_policy import ask
from recenv.ope.slot_probabilities import slot_probabilities
from recenv.protocol import Policy, Request

Array = NDArray[np.floating]
PATHS = 64
"""Slates drawn a row where a policy's slots have no closed form."""
TOLERANCE = 1e-5
"""How far a position's probabilities may be from those of plain draws without replacement."""


class After(NamedTuple):
    """A policy below what a slate shows already, as a policy of single items that may be asked."""

    policy: Any
    whole: Request
    """The request for the whole slate."""
    shown: NDArray[np.int64]
    """(B, k) items above."""

    def probabilities(self, request: Request) -> NDArray[np.float64]:
        """Return (B, C) the probabilities of the next item; `request` has what is shown struck out."""
        if hasattr(self.policy, "next_probabilities"):
            return np.asarray(self.policy.next_probabilities(self.whole, self.shown))
        return np.asarray(self.policy.probabilities(request))


def next_item(
    name: str, policy: Policy, request: Request, columns: NDArray[np.int64], first_row: int = 0
) -> list[Array]:
    """Return for each position (K of them) the probabilities (B, C) of its item, given the logged items above it.

    A policy that has `next_probabilities(request, shown) -> (B, C)` is asked for them, `shown` (B, k) the items above:
    every law of ordered slates can be said so. Without it an agent (it has `act`) is asked again at each position, with
    what was shown struck out, and any other policy once: what is left keeps its proportions.

    Parameters
    ----------
    columns : (B, K) int array
        Place of the logged items among the candidates.
    """
    result = [ask(name, policy, request, first_row)]
    for k in range(1, columns.shape[1]):
        result.append(_below(name, policy, request, result[0], columns[:, :k], first_row))
    return result


def _below(
    name: str, policy: Policy, request: Request, first: Array, columns: NDArray[np.int64], first_row: int = 0
) -> Array:
    """Return the probabilities (B, C) of the item that follows those in `columns` (B, k)."""
    if not (hasattr(policy, "act") or hasattr(policy, "next_probabilities")):
        return renormalised(first, columns)
    shown, left = np.take_along_axis(request.candidates, columns, axis=1), np.array(request.candidates)
    np.put_along_axis(left, columns, -1, axis=1)
    return ask(name, After(policy, request, shown), request._replace(candidates=left), first_row)


def renormalised(first: Array, shown: NDArray[np.int64]) -> Array:
    """Return probabilities (B, C) of what is left once columns `shown` (B, k) are taken; 0 where nothing is left."""
    left = np.array(first)
    np.put_along_axis(left, shown, 0.0, axis=1)
    total = left.sum(axis=1, keepdims=True)
    return np.divide(left, total, out=np.zeros_like(left), where=total > 0)


def is_plain(answers: list[Array], columns: NDArray[np.int64]) -> bool:
    """Return whether the answers of `next_item` are those of draws without replacement by the first answer alone."""
    return all(
        bool((np.abs(answer - renormalised(answers[0], columns[:, :k])) <= TOLERANCE).all())
        for k, answer in enumerate(answers[1:], start=1)
    )


def slots(
    name: str,
    policy: Policy,
    request: Request,
    answers: list[Array],
    columns: NDArray[np.int64],
    rng: np.random.Generator,
) -> NDArray[np.float64]:
    """Return (B, K, C) the probability of each position showing each candidate, whatever stands above it.

    Exact where the policy draws without replacement by its first answer, as softmax and uniform ones do; elsewhere
    the mean of the position's probabilities over `PATHS` slates drawn from the policy, which is unbiased, and exact of
    a policy that does not explore.
    """
    size = columns.shape[1]
    if is_plain(answers, columns):
        return slot_probabilities(answers[0], size)
    result = np.zeros((len(columns), size, request.candidates.shape[1]))
    result[:, 0] = answers[0]
    for _ in range(PATHS):
        drawn, answer = np.empty_like(columns), answers[0]
        for k in range(1, size):
            drawn[:, k - 1] = draw(answer.astype(np.float64, copy=False), rng)
            answer = _below(name, policy, request, answers[0], drawn[:, :k])
            result[:, k] += answer / PATHS
    return result
