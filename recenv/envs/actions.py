"""Actions as they come from outside, checked and turned into item ids (B, K)."""

from __future__ import annotations

from typing import Any

import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray


def action_space(n_items: int, slate_size: int) -> spaces.Space:
    """Return `Discrete(N)` for one item, `MultiDiscrete([N] * K)` for a slate."""
    return spaces.Discrete(n_items) if slate_size == 1 else spaces.MultiDiscrete([n_items] * slate_size)


def checked_actions(actions: Any, batch: int, slate_size: int, n_items: int) -> NDArray[np.int64]:
    """Return actions as (B, K) int64.

    Raises
    ------
    TypeError
        If they are not whole numbers.
    ValueError
        If their shape is wrong or an item is not in the catalogue; the place is named.
    """
    array = np.asarray(actions)
    if array.dtype.kind not in "iu":
        raise TypeError(f"actions must be whole numbers (item ids), got dtype {array.dtype}")
    shape = (batch,) if slate_size == 1 else (batch, slate_size)
    if array.shape not in (shape, (batch, slate_size)):
        raise ValueError(f"actions must have shape {shape}, got {array.shape}")
    ids = np.ascontiguousarray(array.reshape(batch, slate_size), np.int64)
    if ids.size and (ids.min() < 0 or ids.max() >= n_items):
        slot, place = np.argwhere((ids < 0) | (ids >= n_items))[0]
        raise ValueError(
            f"action {ids[slot, place]} of user {slot} at position {place} is not an item: ids are 0 to {n_items - 1}"
        )
    return ids
