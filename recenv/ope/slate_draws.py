"""Whether an agent's slates are the draws that evaluation takes them for: it is asked to act, and compared."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from recenv.feedback.answers import checked_answer
from recenv.ope.ask_policy import column_of
from recenv.ope.loggers import TOLERANCE
from recenv.ope.slate_policy import next_item
from recenv.protocol import Request

ROWS = 64
"""Slates of the log's first block that an agent is asked for."""


def check_draws(name: str, policy: Any, request: Request, rng: np.random.Generator) -> None:
    """Refuse an agent whose `act` draws slates by another law than its probabilities of single items say.

    The probability that `act` gives a slate must be the product over positions, to 0.1%. What has no `act` draws as
    `recenv.feedback.collect` draws for it, so there is nothing to compare.

    Raises
    ------
    ValueError
        With the slate, both numbers and the remedy: also if `act` does not know the probability, or leaves a position
        empty.
    """
    if not hasattr(policy, "act"):
        return
    decision = checked_answer(policy, policy.act(request, rng=rng, explore=True), request)
    empty = (decision.items < 0).any(axis=1)
    if empty.any():
        slate = decision.items[int(np.argmax(empty))].tolist()
        raise ValueError(
            f"policy {name!r}: act() leaves a position of the slate {slate} empty: show items that are left"
        )
    product = _product(name, policy, request, decision.items)
    off = ~(np.abs(product - decision.probability) <= TOLERANCE * product)
    if off.any():
        row = int(np.argmax(off))
        raise ValueError(
            f"policy {name!r}: act() gives the slate {decision.items[row].tolist()} probability "
            f"{decision.probability[row]:.4g}; drawn position by position from its probabilities of single items it "
            f"has {product[row]:.4g}. Give it next_probabilities(request, shown) -> (B, C), the probabilities of the "
            "item below those shown (B, k), or evaluate it in a test of its own"
        )


def _product(name: str, policy: Any, request: Request, items: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return the probability (B,) of slates (B, K) drawn position by position."""
    columns = np.stack([column_of(one, request.candidates) for one in items.T], axis=1)
    answers = next_item(name, policy, request, columns)
    places = np.arange(len(items))
    chances = [answer[places, column] for answer, column in zip(answers, columns.T, strict=True)]
    return np.asarray(np.prod(chances, axis=0, dtype=np.float64))
