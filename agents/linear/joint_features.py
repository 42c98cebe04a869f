"""What the linear agents see of a state and an item.

    phi(s, a) = x(s) (x) [g(a), e_a]        x(s) = [1, flat observation] (d,), e_a one-hot

so the weights of item a are w_a = B g(a) + r_a: a part that all items share through what they are, which scores items
that were never shown, and a part of the item's own. g(a) (q,) is 1, the standardised log popularity and the leading
principal components of the visible item features. phi itself, of d (q + N) numbers, is never made: every agent needs
only the d weights of each item (see `LinearPosterior`).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from recenv.agents.observations import flat_observation
from recenv.protocol import Catalogue, Observation


def state_features(observation: Observation, size: int) -> NDArray[np.float64]:
    """Return x (B, size + 1) float64: 1 and the flat observation."""
    flat = flat_observation(observation, size)
    return np.concatenate([np.ones((len(flat), 1)), flat], axis=1)


def item_features(catalogue: Catalogue, components: int) -> NDArray[np.float64]:
    """Return g (N, 2 + components): 1, log popularity and principal components; fewer where the data has fewer.

    The first component has unit deviation, the others keep their size relative to it; a popularity that does not vary
    gives zeros.

    Raises
    ------
    ValueError
        If `components` is negative.
    """
    if components < 0:
        raise ValueError(f"components must be 0 or more, got {components}")
    popularity = np.log1p(np.asarray(catalogue.popularity, np.float64))
    away = popularity - popularity.mean()
    spread = away.std()
    columns = [np.ones(len(away)), away / spread if spread > 0.0 else away]
    return np.column_stack([*columns, _components(np.asarray(catalogue.features, np.float64), components)])


def _components(features: NDArray[np.float64], count: int) -> NDArray[np.float64]:
    """Return (N, at most count) principal components of the features, by an eigendecomposition of Q x Q."""
    centred = features - features.mean(axis=0)
    values, vectors = np.linalg.eigh(centred.T @ centred / len(centred))
    strong = values > 1e-10 * max(float(values.max(initial=0.0)), 1e-10)
    kept = np.flatnonzero(strong)[::-1][:count]
    return centred @ vectors[:, kept] / np.sqrt(values[kept].max(initial=1e-300))
