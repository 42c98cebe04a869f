"""What a logged rating says of the opinion behind it: an interval of the noise, not the noise itself."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from recenv.causal.world import World
from recenv.envs.config import EnvConfig
from recenv.envs.core import BatchCore


def satisfaction_before_noise(world: World) -> NDArray[np.float64]:
    """Return (n,) satisfaction less its noise of each logged pair, as it was when the pair was abducted.

    At baseline, or where the stored noise does not fit that, along the user's own logged sequence with mood 0.

    Raises
    ------
    ValueError
        If the stored noise fits neither, with the pair.
    """
    pairs = world.pairs
    for found in (_at_baseline, _along_the_log):
        before = found(world)
        wrong = np.flatnonzero(_level(before + pairs.noise, world) != pairs.level)
        if not len(wrong):
            return before
    raise ValueError(
        f"the noise of user {pairs.user[wrong[0]]} and item {pairs.item[wrong[0]]} was abducted under another "
        'behaviour than the world has now: abduct it again, or ask for given="prior"'
    )


def _at_baseline(world: World) -> NDArray[np.float64]:
    return world.base_utility(world.pairs.user, world.pairs.item)


def _level(x: NDArray[np.float64], world: World) -> NDArray[np.int64]:
    return 1 + np.searchsorted(world.thresholds, x, side="left")  # x > tau counts


def _along_the_log(world: World) -> NDArray[np.float64]:
    """Let every user meet the items of the log in their order, and read what was felt less the noise."""
    pairs, starts = world.pairs, world.pairs.starts(world.n_users)
    lengths = np.diff(starts)
    stage = world.do(**{"mood": 0.0, **world.held, "leaving": 0.0, "funnel": 0.0, "choice": "position"})  # type: ignore[arg-type]
    core = BatchCore(EnvConfig(stage, horizon=int(lengths.max()), repeat=True), world.n_users)
    core.begin(np.arange(world.n_users))
    by_time = np.lexsort((pairs.order, pairs.user))
    felt = np.empty(len(pairs))
    for s in range(int(lengths.max())):
        going = s < lengths
        rows = by_time[starts[:-1][going] + s]
        items = np.full((world.n_users, 1), -1, np.int64)
        items[going, 0] = pairs.item[rows]
        core.step(items, going)
        felt[rows] = core.out.outcome["satisfaction"][going, 0]
    return felt - pairs.noise
