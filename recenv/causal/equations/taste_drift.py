"""Taste drift: liking an item turns the taste towards it; its length stays."""

import math

from recenv.causal.compiled import jit
from recenv.causal.equations.vectors import dot


@jit
def drift_towards(taste, direction, strength):  # type: ignore[no-untyped-def]
    """Turn `taste` (D,) in place: taste + strength * (|taste| * direction/|direction| - taste), then to its old length.

    The convex combination alone would shorten the vector; the design says that only the direction moves.
    """
    length = math.sqrt(dot(taste, taste))
    norm = math.sqrt(dot(direction, direction))
    if strength == 0.0 or length == 0.0 or norm == 0.0:
        return
    pull = strength * length / norm
    for d in range(taste.shape[0]):
        taste[d] = (1.0 - strength) * taste[d] + pull * direction[d]
    moved = math.sqrt(dot(taste, taste))
    if moved > 0.0:
        scale = length / moved
        for d in range(taste.shape[0]):
            taste[d] *= scale
