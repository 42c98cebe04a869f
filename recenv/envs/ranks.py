"""Where a logged pair stands in the table, by counting bits: no search, and nothing that depends on what is found.

The filter of `recenv.causal.pairs` holds a bit for each item of a user. Where no two items share one, a pair's row is
that of the user's first pair in the same word, and one more for each bit set below its own (Jacobson 1989,
`jacobson1989space`). A search takes seven steps, each of which waits for the one before.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import types
from numba.extending import intrinsic

from recenv.causal.compiled import jit_merged
from recenv.causal.pairs import filter_place, pair_row
from recenv.envs.memory import PLAIN


@intrinsic
def _population(typing_context: Any, word: Any) -> Any:
    """Return the number of bits that are set."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.ctpop(arguments[0])

    return types.uint64(types.uint64), generate


def _population_plainly(word: Any) -> int:
    return int(word).bit_count()


population: Any = _population_plainly if PLAIN else _population


@jit_merged
def row_of_pair(world, user, item):  # type: ignore[no-untyped-def]
    """Return the row of a pair that the filter lets pass, -1 if it was not logged: `recenv.causal.pairs.pair_row`."""
    if world.pair_rank[0, 0] < 0:  # items share bits
        return pair_row(world.pair_start, world.pair_item, user, np.int64(item))
    word, bit = filter_place(item, world.pair_filter.shape[1])
    before = population(world.pair_filter[user, word] & (bit - np.uint64(1)))
    return np.int64(world.pair_rank[user, word]) + np.int64(before)
