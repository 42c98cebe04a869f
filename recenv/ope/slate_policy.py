"""What a policy of single items would show at each position of a slate."""

from __future__ import annotations

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


def next_item(
    name: str, policy: Policy, request: Request, columns: NDArray[np.int64], first_row: int = 0
) -> list[Array]:
    """Return for each position (K of them) the probabilities (B, C) of its item, given the logged items above it.

    An agent (it has `act`) is asked again at each position, with what was shown struck out, as its `act` does. Any
    other policy is asked once, and what is left keeps its proportions. Both are how `recenv.feedback.collect` draws.

    Parameters
    ----------
    columns : (B, K) int array
        Place of the logged items among the candidates.
    """
    result = [ask(name, policy, request, first_row)]
    rows, candidates = np.arange(len(columns)), np.array(request.candidates)
    for k in range(columns.shape[1] - 1):
        candidates[rows, columns[:, k]] = -1
        if hasattr(policy, "act"):
            left = request._replace(candidates=candidates.copy())
            result.append(ask(name, policy, left, first_row))
        else:
            result.append(renormalised(result[0], columns[:, : k + 1]))
    return result


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
        drawn = np.empty_like(columns)
        answer = answers[0]
        left = request._replace(candidates=np.array(request.candidates))
        for k in range(size - 1):
            drawn[:, k] = draw(answer.astype(np.float64, copy=False), rng)
            left.candidates[np.arange(len(columns)), drawn[:, k]] = -1
            answer = ask(name, policy, left._replace(candidates=left.candidates.copy()))
            result[:, k + 1] += answer / PATHS
    return result
