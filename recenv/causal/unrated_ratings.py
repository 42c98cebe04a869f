"""What pairs that nobody rated are expected to be rated, where liked pairs are rated more often.

    E[r | not rated] = sum_r r P(r) (1 - p(r)) / sum_r P(r) (1 - p(r))

A world's `expected_rating` is of any pair, P(r) alone. That a pair is not rated tells too (Marlin & Zemel 2009,
`marlin2009collaborative`): policies that recommend what a user has not rated meet less liked pairs than typical ones.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from recenv.causal.ordinal import level_probabilities

if TYPE_CHECKING:
    from recenv.causal.world import World


def unrated_rating(
    world: World, users: NDArray[np.integer], items: NDArray[np.integer], propensity: NDArray[np.floating]
) -> NDArray[np.float64]:
    """Return (n,) the mean rating, on the log's scale, that pairs which are not rated would get.

    Parameters
    ----------
    world
        A fitted world.
    users, items
        (n,) codes of the pairs.
    propensity
        (n, L) P(rated | level) of each, in [0, 1).

    Raises
    ------
    ValueError
        If the propensities have another shape or are not in [0, 1).
    """
    given, shape = np.asarray(propensity, np.float64), (len(users), len(world.scale))
    if given.shape != shape:
        raise ValueError(f"propensity has shape {given.shape}; one a pair and level is {shape}")
    bad = ~((given >= 0) & (given < 1)).all(axis=1)
    if bad.any():
        row = int(np.flatnonzero(bad)[0])
        raise ValueError(
            f"propensity must be in [0, 1); row {row} has {given[row].tolist()}: a pair that is surely rated cannot be "
            "one that is not"
        )
    weight = level_probabilities(world.base_utility(users, items), world.thresholds) * (1.0 - given)
    expected: NDArray[np.float64] = weight @ world.scale / weight.sum(axis=1)
    return expected
