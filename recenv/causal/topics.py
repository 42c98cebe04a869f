"""Topics of the items: from genres where the log has them, else clusters of the embedding."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

OTHER = "other"
CLUSTER = "cluster"
"""How topics are named that were made from ratings."""


def topics_from_genres(genres: Sequence[Sequence[str]]) -> tuple[NDArray[np.float64], tuple[str, ...]]:
    """Return (N, G) loadings, an item's share split evenly over its genres, and the G names in order.

    Items without a genre get the topic "other".
    """
    listed = [tuple(dict.fromkeys(item)) or (OTHER,) for item in genres]
    names = sorted({name for item in listed for name in item})
    column = {name: g for g, name in enumerate(names)}
    topic = np.zeros((len(listed), len(names)))
    for a, item in enumerate(listed):
        topic[a, [column[name] for name in item]] = 1.0 / len(item)
    return topic, tuple(names)


def topics_from_embedding(
    embedding: NDArray[np.float64], clusters: int, seed: int
) -> tuple[NDArray[np.float64], tuple[str, ...]]:
    """Return (N, G) one-hot clusters of V by k-means, for logs without genres; no more than V has different rows."""
    from sklearn.cluster import KMeans

    count = min(clusters, len(np.unique(embedding, axis=0)))
    label = KMeans(count, n_init=4, random_state=seed).fit_predict(embedding)
    return np.eye(count)[label], tuple(f"{CLUSTER} {g + 1}" for g in range(count))


def are_clusters(names: Sequence[str]) -> bool:
    """Say whether topics of these names were made from ratings, not from genres."""
    return all(name == f"{CLUSTER} {g + 1}" for g, name in enumerate(names))


def comfort_loading(topic: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return (N,) comfort in [-1, 1]: the first principal component of the topics, scaled. An assumption.

    No ratings log says which items comfort; this makes comfort a property of kinds of items, so that a hidden mood
    shifts whole topics.
    """
    centred = topic - topic.mean(0)
    if not np.any(centred):
        return np.zeros(len(topic))
    _, _, directions = np.linalg.svd(centred, full_matrices=False)
    score = centred @ directions[0]
    score *= np.sign(score[np.argmax(np.abs(score))])
    return score / np.abs(score).max()
