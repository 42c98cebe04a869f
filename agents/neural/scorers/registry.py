"""Scorers by name."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from recenv.agents.neural.scorers.autoencoder import AutoencoderScorer
from recenv.agents.neural.scorers.linear import LinearScorer
from recenv.agents.neural.scorers.mlp import MLPScorer
from recenv.agents.neural.scorers.scorer import Scorer
from recenv.agents.neural.scorers.transformer import TransformerScorer
from recenv.agents.neural.scorers.two_tower import TwoTowerScorer

SCORERS: dict[str, type[Scorer]] = {
    "linear": LinearScorer,
    "mlp": MLPScorer,
    "two_tower": TwoTowerScorer,
    "autoencoder": AutoencoderScorer,
    "transformer": TransformerScorer,
}


def make_scorer(
    name: str, features: NDArray[np.float32], state_size: int, *, width: int, dims: int, rng: np.random.Generator
) -> Scorer:
    """Return the scorer of that name with fresh parameters from `rng`; see `Scorer` for the arguments.

    Raises
    ------
    ValueError
        If there is no such scorer.
    """
    if name not in SCORERS:
        raise ValueError(f"scorer must be {', '.join(SCORERS)}, got {name!r}")
    return SCORERS[name](features, state_size, width=width, dims=dims, rng=rng)
