"""Candidates as an agent with a table of items reads them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def known_candidates(candidates: NDArray[np.int64], n_items: int) -> NDArray[np.int64]:
    """Return the candidates (B, C), after a look whether a catalogue of `n_items` has them all.

    Raises
    ------
    ValueError
        If an item is not in the catalogue.
    """
    if candidates.size and candidates.max() >= n_items:
        raise ValueError(
            f"candidates hold item {candidates.max()}, but this agent was made for a catalogue of {n_items} items: "
            "make or train an agent for this world"
        )
    return candidates


def candidates_left(users: int, n_items: int, shown: NDArray[np.integer] | None) -> NDArray[np.int64]:
    """Return (B, N) item ids, -1 where `shown` (B, H; -1 pads) holds the item; None hides nothing."""
    candidates = np.tile(np.arange(n_items), (users, 1))
    if shown is not None:
        rows, places = np.nonzero(shown >= 0)
        candidates[rows, shown[rows, places]] = -1
    return candidates
