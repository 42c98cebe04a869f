"""A plain function, or an object that only has probabilities, as an agent."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recenv.agents.adapters.proportional import Proportional
from recenv.agents.exploration import EpsilonGreedy, Exploration
from recenv.agents.scoring import ScoreAgent
from recenv.protocol import Policy, Request


class FunctionPolicy(ScoreAgent):
    """A function from a request to scores or to items; it never learns.

    Parameters
    ----------
    function
        Called with a `Request` of B users. It returns (B, C) floating scores, one a candidate, or whole numbers (B,) or
        (B, K): ids of the items to show, best first, which are shown as they are when not exploring.
    exploration
        How `act(explore=True)` departs from what the function prefers; greedy by default.
    """

    name = "function"
    training_steps = 0

    def __init__(self, function: Callable[[Request], NDArray[Any]], *, exploration: Exploration | None = None) -> None:
        if not callable(function):
            raise TypeError(f"function must be callable, got a {type(function).__name__}")
        self.function = function
        self.exploration = exploration or EpsilonGreedy(0.0)

    def scores(self, request: Request) -> NDArray[np.floating]:
        """Return (B, C) the function's scores, or K, ..., 1 for the items that it chose and 0 for the others."""
        answer = np.asarray(self.function(request))
        return _scores_of_items(answer, request) if answer.dtype.kind in "iu" else answer


def _scores_of_items(items: NDArray[np.integer], request: Request) -> NDArray[np.float64]:
    if items.ndim not in (1, 2) or len(items) != len(request.candidates):
        raise ValueError(
            f"the function returned item ids of shape {items.shape} for {len(request.candidates)} users: return (B,) "
            "or (B, K) ids, or (B, C) scores as floating numbers"
        )
    slate = items.reshape(len(items), -1)
    chosen = slate[:, :, None] == request.candidates[:, None, :]
    lost = (slate >= 0) & ~chosen.any(axis=2)
    if lost.any():
        row, position = np.argwhere(lost)[0]
        raise ValueError(
            f"the function chose item {slate[row, position]} in row {row}, which is not among its candidates: choose "
            "ids from request.candidates"
        )
    rank = np.arange(slate.shape[1], 0, -1.0) * (slate >= 0)
    return (rank[:, :, None] * chosen).max(axis=1)


class PolicyAgent(ScoreAgent):
    """A policy that has only `probabilities`, as an agent: it draws from them, and never learns.

    Parameters
    ----------
    policy
        Any object with `probabilities(request) -> (B, C)`. Slates are drawn without replacement, the probabilities
        renormalised on what is left.
    """

    name = "policy"
    exploration = Proportional()
    training_steps = 0

    def __init__(self, policy: Policy) -> None:
        if not isinstance(policy, Policy):
            raise TypeError(f"policy must have probabilities(request), {type(policy).__name__} has not")
        self.policy = policy

    def scores(self, request: Request) -> NDArray[np.floating]:
        """Return (B, C) the policy's probabilities."""
        return np.asarray(self.policy.probabilities(request))
