"""Taste drift: liking an item turns the taste towards it; its length stays."""

import math

from recenv.causal.compiled import jit
from recenv.causal.equations.vectors import dot


@jit
def drift_towards(taste, taste_length, direction, direction_length, strength):  # type: ignore[no-untyped-def]
    """Turn `taste` (D,) in place: taste + strength * (|taste| * direction/|direction| - taste), then to its old length.

    The convex combination alone would shorten the vector; only the direction moves. The lengths are passed in, since
    neither changes within a session.
    """
    if strength == 0.0 or taste_length == 0.0 or direction_length == 0.0:
        return
    pull = strength * taste_length / direction_length
    for d in range(taste.shape[0]):
        taste[d] = (1.0 - strength) * taste[d] + pull * direction[d]
    moved = math.sqrt(dot(taste, taste))
    if moved > 0.0:
        scale = taste_length / moved
        for d in range(taste.shape[0]):
            taste[d] *= scale
