"""Seeds from outside: one for all slots, one a slot, or none."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


def drawn_seed(seed: int | None) -> int:
    """Return the seed, or a fresh one from the operating system's entropy where None is given.

    Raises
    ------
    TypeError
        If it is no whole number.
    """
    if seed is None:
        return int(np.random.SeedSequence().generate_state(1)[0])
    if not isinstance(seed, (int, np.integer)):
        raise TypeError(f"seed must be a whole number, 0 or more, or None; got {seed!r}")
    return int(seed)


def slot_seeds(seed: int | Sequence[int | None] | None, batch: int) -> list[int]:
    """Return a seed for each slot: seed + i for one number (Gymnasium's convention), or the given ones.

    Raises
    ------
    TypeError
        If a seed is no whole number.
    ValueError
        If the number of seeds is not the number of slots.
    """
    if seed is None or isinstance(seed, str) or not isinstance(seed, Sequence | np.ndarray):
        first = drawn_seed(seed)
        return [first + i for i in range(batch)]
    if len(seed) != batch:
        raise ValueError(f"seed has {len(seed)} entries for {batch} environments: give one number, or one each")
    return [drawn_seed(one) for one in seed]
