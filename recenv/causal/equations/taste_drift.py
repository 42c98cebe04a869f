"""Taste drift: liking an item turns the taste towards it; its length stays.

taste' = taste + s * sum over liked items of (|taste| * V[a]/|V[a]| - taste), then scaled to its old length, with
s = drift / number of consumed items: a slate averages, in whatever order it was shown. The convex combination alone
would shorten the vector; only the direction moves. Lengths are passed in, since neither changes within a session.
"""

import math

from recenv.causal.compiled import jit_merged
from recenv.causal.equations.vectors import dot


@jit_merged
def let_go(taste, strength):  # type: ignore[no-untyped-def]
    """Shrink `taste` (D,) in place to (1 - strength) * taste, to make room for what pulls it."""
    for d in range(taste.shape[0]):
        taste[d] *= 1.0 - strength


@jit_merged
def pull(taste, taste_length, direction, direction_length, strength):  # type: ignore[no-untyped-def]
    """Add strength * |taste| * direction/|direction| to `taste` (D,), in place."""
    pulled = strength * taste_length / direction_length
    for d in range(taste.shape[0]):
        taste[d] += pulled * direction[d]


@jit_merged
def restore_length(taste, taste_length):  # type: ignore[no-untyped-def]
    """Scale `taste` (D,) in place to its old length."""
    moved = math.sqrt(dot(taste, taste))
    if moved > 0.0:
        scale = taste_length / moved
        for d in range(taste.shape[0]):
            taste[d] *= scale


@jit_merged
def drift_towards(taste, taste_length, direction, direction_length, strength):  # type: ignore[no-untyped-def]
    """Turn `taste` (D,) in place towards one liked item; nothing turns where a vector is zero or drift is off."""
    if strength == 0.0 or taste_length == 0.0 or direction_length == 0.0:
        return
    let_go(taste, strength)
    pull(taste, taste_length, direction, direction_length, strength)
    restore_length(taste, taste_length)
