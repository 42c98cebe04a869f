"""Items without ratings: what a world lets agents know of items that nobody rated yet."""

from __future__ import annotations

import dataclasses

import numpy as np
from numpy.typing import NDArray

from recenv.causal.topics import are_clusters
from recenv.causal.world import World


def without_ratings_of(world: World, items: NDArray[np.bool_]) -> World:
    """Return the world in which the visible features of `items` (N,) tell nothing of how they were rated.

    Their counts become 0, and so do their features (0 is the mean of a standardised feature), but for topics that come
    from genres. How users respond to them does not change, and neither do the features of users.
    """
    counts, features = world.item_counts.copy(), world.item_features.copy()
    counts[items] = 0.0
    features[items, : _made_of_ratings(world)] = 0.0
    return dataclasses.replace(world, item_counts=counts, item_features=features)


def _made_of_ratings(world: World) -> int:
    """Return how many leading columns of the item features were made from ratings; topics stand last."""
    width, topics = world.item_features.shape[1], world.topic.shape[1]
    known = width >= topics and np.array_equal(world.item_features[:, width - topics :], world.topic.astype(np.float32))
    return width - topics if known and not are_clusters(world.topic_names) else width
