"""A world as the compiled loops read it."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from recenv.causal.world import World

USER = np.dtype([("bias", np.float64), ("taste_length", np.float64), ("drawn", np.int64), ("offered", np.int64)])
"""What the loops read of a user: b_u, |taste|, who is drawn by the number of this row, how many items can be shown.

Everyone is drawn and everything can be shown, unless an environment has pools (`recenv.envs.pools`)."""
ITEM = np.dtype(
    [
        ("bias", np.float64),
        ("popularity", np.float64),
        ("findable", np.float64),
        ("comfort", np.float64),
        ("length", np.float64),
        ("topics_from", np.int32),
        ("topics_to", np.int32),
    ]
)
"""What the loops read of an item: b_i, pop, sigmoid(pop), comfort, |V|, and which rows of the topic table it has."""
TOPIC = np.dtype([("loading", np.float64), ("topic", np.int64)])
"""One topic of one item; most items have one to three of them, so rows are cheaper than (N, G)."""


class WorldTables(NamedTuple):
    """A world as the compiled loops read it: few arrays, since each costs a hundred nanoseconds a call."""

    user: NDArray[np.void]
    """(U,) of dtype USER."""
    item: NDArray[np.void]
    """(N,) of dtype ITEM."""
    taste: NDArray[np.float64]
    """(U, D)."""
    embedding: NDArray[np.float64]
    """(N, D)."""
    topics: NDArray[np.void]
    """(M,) of dtype TOPIC, by item."""
    thresholds: NDArray[np.float64]
    """(L - 1,)."""
    scale: NDArray[np.float64]
    """(L,)."""
    user_features: NDArray[np.float32]
    """(U, F)."""
    found_up_to: NDArray[np.float64]
    """(N,) cumulative sigmoid(pop), as a share: which item a user comes across (`Behaviour.organic_rate`)."""
    pair_start: NDArray[np.int64]
    """See `PairTable`, as the next four."""
    pair_item: NDArray[np.int32]
    pair_noise: NDArray[np.float64]
    pair_filter: NDArray[np.uint64]
    pair_rank: NDArray[np.int32]


def make_tables(world: World) -> WorldTables:
    """Return the arrays of a world for the compiled loops."""
    user, item = np.zeros(world.n_users, USER), np.zeros(world.n_items, ITEM)
    user["bias"], user["taste_length"] = world.user_bias, np.linalg.norm(world.taste, axis=1)
    user["drawn"], user["offered"] = np.arange(world.n_users), world.n_items
    item["bias"], item["popularity"], item["comfort"] = world.item_bias, world.popularity, world.comfort
    item["findable"] = 1.0 / (1.0 + np.exp(-world.popularity))
    item["length"] = np.linalg.norm(world.embedding, axis=1)
    of_item, topic = np.nonzero(world.topic)
    topics = np.zeros(len(topic), TOPIC)
    topics["topic"], topics["loading"] = topic, world.topic[of_item, topic]
    ends = np.searchsorted(of_item, np.arange(world.n_items + 1))
    item["topics_from"], item["topics_to"] = ends[:-1], ends[1:]
    return WorldTables(
        user,
        item,
        world.taste,
        world.embedding,
        topics,
        world.thresholds,
        world.scale,
        world.user_features,
        _share_up_to(item["findable"]),
        *world.pairs.table(world.n_users),
    )


def _share_up_to(weight: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the cumulative weights as a share; the last is 1."""
    total = np.cumsum(weight)
    share: NDArray[np.float64] = total / total[-1]
    return share
