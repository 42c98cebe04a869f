"""What makes up satisfaction and attraction in the current state, cause by cause and without noise.

The same equations as in `recenv.envs.response`, not yet added up: with the noise they sum to a response's utilities.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from recenv.causal.compiled import jit
from recenv.causal.equations.attraction import attraction
from recenv.causal.equations.satiation import satiation_match
from recenv.causal.equations.satisfaction import boredom_felt, mood_felt
from recenv.causal.equations.vectors import dot
from recenv.envs.core import BatchCore
from recenv.envs.state import State

FELT = ("taste", "drift", "user_bias", "item_bias", "boredom", "mood")
"""Causes of satisfaction: taste at the session's start, its turn since, b_u, b_i, boredom, hidden mood."""
DRAWN = ("attracted", "conformity", "exposure")
"""Causes of attraction: taste, popularity, being shown."""
CAUSES = np.dtype([(name, np.float64) for name in (*FELT, *DRAWN)])
"""One signed number a cause, in units of the noise."""


@jit
def fill_causes(row, i, a, world, state, dials):  # type: ignore[no-untyped-def]
    """Write the causes of slot i's response to item a."""
    user = state.slot[i]["user"]
    item = world.item[a]
    affinity = dot(state.taste[i], world.embedding[a])
    at_start = dot(world.taste[user], world.embedding[a])
    topics = world.topics[item["topics_from"] : item["topics_to"]]
    row["taste"] = at_start
    row["drift"] = affinity - at_start
    row["user_bias"] = world.user[user]["bias"]
    row["item_bias"] = item["bias"]
    row["boredom"] = -boredom_felt(satiation_match(state.satiation[i], topics), dials)
    row["mood"] = mood_felt(state.slot[i]["mood"], item["comfort"], dials)
    row["exposure"] = attraction(0.0, 0.0, 0.0, dials)
    row["attracted"] = attraction(affinity, 0.0, 0.0, dials) - row["exposure"]
    row["conformity"] = attraction(0.0, item["popularity"], 0.0, dials) - row["exposure"]


@jit
def fill_all_causes(items, world, state, dials, causes):  # type: ignore[no-untyped-def]
    """Fill causes (B, M) for items (B, M); a negative item is an empty position and is left alone."""
    for i in range(items.shape[0]):
        for k in range(items.shape[1]):
            if items[i, k] >= 0:
                fill_causes(causes[i, k], i, items[i, k], world, state, dials[0])


def causes_of(core: BatchCore, state: State, items: NDArray[np.integer]) -> NDArray[np.void]:
    """Return (B, M) of dtype CAUSES for items (B, M) in a state; 0 at empty positions."""
    causes = np.zeros(items.shape, CAUSES)
    fill_all_causes(items.astype(np.int64, order="C"), core.tables, state, core.dials, causes)
    return causes


def summed(causes: NDArray[np.void], names: tuple[str, ...]) -> NDArray[np.float64]:
    """Return (B, M) the sum of the named causes."""
    return np.stack([causes[name] for name in names]).sum(0)
