"""Which items of a catalogue are allowed, one bit each: what a replay keeps of the candidates of a request."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def packed_size(n_items: int) -> int:
    """Return the bytes that a row of N bits takes."""
    return -(-n_items // 8)


def pack_allowed(candidates: NDArray[np.int64], n_items: int) -> NDArray[np.uint8]:
    """Return (B, ceil(N / 8)) bits of the items among candidates (B, C); -1 is none."""
    allowed = np.zeros((len(candidates), n_items), np.bool_)
    rows, columns = np.nonzero(candidates >= 0)
    allowed[rows, candidates[rows, columns]] = True
    return np.packbits(allowed, axis=1)


def unpack_allowed(packed: NDArray[np.uint8], n_items: int) -> NDArray[np.bool_]:
    """Return (B, N) whether each item is allowed."""
    return np.unpackbits(packed, axis=1, count=n_items).astype(np.bool_)


def allowed_ids(packed: NDArray[np.uint8], n_items: int) -> NDArray[np.int64]:
    """Return (B, C) ids of the allowed items in order, -1 after the last; C is the most that a row has, at least 1."""
    allowed = unpack_allowed(packed, n_items)
    count = allowed.sum(axis=1)
    ids = np.full((len(allowed), max(int(count.max(initial=0)), 1)), -1, np.int64)
    # Row after row, so the places that each row fills are its first ones.
    ids[np.arange(ids.shape[1]) < count[:, None]] = np.nonzero(allowed)[1]
    return ids
