"""Whether what a policy answered can be played: a wrong answer is refused by the policy's name, before it does harm.

It costs a few operations a step; `recenv.testing.check_agent` says more.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from recenv.protocol import Decision, Request

ABOVE_ONE = 1e-9
"""How far rounding may lift a probability above 1."""


def checked_answer(policy: Any, decision: Any, request: Request) -> Decision:
    """Return the decision, after a look at its shapes, types and probabilities.

    Raises
    ------
    TypeError
        If it is no `Decision`, or its items are no whole numbers.
    ValueError
        If it has another shape than the request, or a probability that is neither in (0, 1] nor NaN.
    """
    name = getattr(policy, "name", None)
    who = f"agent {name!r}" if isinstance(name, str) else f"agent {type(policy).__name__}"
    if not isinstance(decision, Decision):
        raise TypeError(
            f"{who}: act() returned a {type(decision).__name__}: return a recenv.protocol.Decision(items, probability)"
        )
    items, probability = np.asarray(decision.items), np.asarray(decision.probability)
    shape = len(request.candidates), request.slate_size
    if items.shape != shape or probability.shape != shape[:1]:
        raise ValueError(
            f"{who}: act() returned items of shape {items.shape} and probability of shape {probability.shape} for "
            f"{shape[0]} users and slates of {shape[1]}: return {shape} and {shape[:1]}"
        )
    if items.dtype.kind not in "iu" or probability.dtype.kind != "f":
        raise TypeError(
            f"{who}: act() returned items of dtype {items.dtype} and probability of dtype {probability.dtype}: return "
            "item ids as int64 and probabilities as float64"
        )
    bad = (probability <= 0.0) | (probability > 1.0 + ABOVE_ONE)
    if bad.any():
        row = int(bad.argmax())
        raise ValueError(
            f"{who}: act() returned probability {probability[row]} in row {row}: it is that of the whole decision, in "
            "(0, 1], or NaN where it is unknown"
        )
    return decision
