"""Who takes part and what may be shown: pools of users and of items that never mix."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from recenv.causal.abduction import world_key
from recenv.causal.compiled import jit
from recenv.causal.noise import opinion_uniform
from recenv.causal.world import World
from recenv.causal.world_tables import WorldTables

if TYPE_CHECKING:
    from recenv.envs.config import EnvConfig

USERS = ("all", "train", "validation", "test")
"""User pools; the last three share the users 80 : 10 : 10."""
ITEMS = ("all", "warm", "cold")
"""Item pools; the last two share the items 90 : 10."""
USER_POOL = np.uint32(17)
"""Noise channel: which pool a user belongs to; key (world seed)."""
ITEM_POOL = np.uint32(18)
"""Noise channel: which pool an item belongs to; key (world seed)."""


class Pools(NamedTuple):
    """The pools of one environment, as arrays for the compiled loops."""

    users: NDArray[np.int64]
    """(P,) ascending ids of the users that episodes are drawn from."""
    allowed: NDArray[np.bool_]
    """(N,) whether an item may be shown at all."""
    first: NDArray[np.int64]
    """(U,) where the user's items begin in `item`."""
    last: NDArray[np.int64]
    """(U,) where they end."""
    item: NDArray[np.int64]
    """(M,) ids of items that may be shown: one run for all users, or with `feedback="logged"` a run for each."""


@jit
def fill_shares(share, low, high, channel):  # type: ignore[no-untyped-def]
    """Fill share (n,) with a uniform number of each id, which only the world's seed decides."""
    for i in range(share.shape[0]):
        share[i] = opinion_uniform(low, high, i, 0, channel)


def _shares(world: World, n: int, channel: np.uint32) -> NDArray[np.float64]:
    share = np.empty(n)
    fill_shares(share, *world_key(world.seed), channel)
    return share


def users_of(world: World, pool: str) -> NDArray[np.int64]:
    """Return the ids of the users in a pool of `USERS`."""
    if pool == "all":
        return np.arange(world.n_users)
    place = np.searchsorted([0.8, 0.9], _shares(world, world.n_users, USER_POOL), side="right")
    return np.flatnonzero(place == USERS.index(pool) - 1)


def items_of(world: World, pool: str) -> NDArray[np.bool_]:
    """Return (N,) whether each item is in a pool of `ITEMS`."""
    if pool == "all":
        return np.ones(world.n_items, bool)
    cold = _shares(world, world.n_items, ITEM_POOL) < 0.1
    return cold if pool == "cold" else ~cold


def make_pools(world: World, config: EnvConfig) -> Pools:
    """Return the pools of a configuration.

    Raises
    ------
    ValueError
        If nobody is left to take part.
    """
    users, allowed = users_of(world, config.users), items_of(world, config.items)
    if config.feedback == "logged":
        pairs = world.pairs
        kept = allowed[pairs.item]
        ends = np.searchsorted(pairs.user[kept], np.arange(world.n_users + 1))
        first, last, item = ends[:-1], ends[1:], pairs.item[kept].astype(np.int64)
        users = users[(last - first)[users] >= (config.candidates or 1)]
    else:
        item = np.flatnonzero(allowed)
        first, last = np.zeros(world.n_users, np.int64), np.full(world.n_users, len(item))
    if not len(users):
        raise ValueError(
            f"no user of world {world.name!r} can take part: users is {config.users!r}, items is {config.items!r}"
            + (f", and each needs {config.candidates} logged items: lower candidates" if config.candidates else "")
        )
    return Pools(users, allowed, first, last, item)


def is_own(pools: Pools, users: NDArray[np.integer], items: NDArray[np.integer]) -> NDArray[np.bool_]:
    """Return (n, K) whether items (n, K) stand in the runs of their users (n,); -1 does not."""
    found = np.zeros(items.shape, np.bool_)
    find_own(pools, users, items, found)
    return found


@jit
def find_own(pools, users, items, found):  # type: ignore[no-untyped-def]
    """Fill found (n, K) by binary search in each user's run, which ascends."""
    for i in range(items.shape[0]):
        for k in range(items.shape[1]):
            low, high = pools.first[users[i]], pools.last[users[i]]
            end = high
            while low < high:
                middle = (low + high) // 2
                if pools.item[middle] < items[i, k]:
                    low = middle + 1
                else:
                    high = middle
            found[i, k] = low < end and pools.item[low] == items[i, k]


def participants(config: EnvConfig) -> NDArray[np.int64]:
    """Return the ids of the users that episodes of a configuration are drawn from."""
    from recenv.envs.config import resolve_world

    return make_pools(resolve_world(config), config).users


def drawn_from(tables: WorldTables, pools: Pools) -> WorldTables:
    """Return the world's tables with who is drawn and how many items there are to show, for the compiled loops."""
    user = tables.user.copy()
    user["drawn"][: len(pools.users)] = pools.users
    user["offered"] = pools.last - pools.first
    return tables._replace(user=user)
