"""Networks that score items for a user: interchangeable parts of the neural agents."""

from __future__ import annotations

from recenv.lazy import lazy

_HOMES = {
    "AutoencoderScorer": "recenv.agents.neural.scorers.autoencoder",
    "LinearScorer": "recenv.agents.neural.scorers.linear",
    "MLPScorer": "recenv.agents.neural.scorers.mlp",
    "SCORERS": "recenv.agents.neural.scorers.registry",
    "Scorer": "recenv.agents.neural.scorers.scorer",
    "Situation": "recenv.agents.neural.scorers.scorer",
    "TransformerScorer": "recenv.agents.neural.scorers.transformer",
    "TwoTowerScorer": "recenv.agents.neural.scorers.two_tower",
    "make_scorer": "recenv.agents.neural.scorers.registry",
}

__all__ = sorted(_HOMES)
__getattr__ = lazy(__name__, _HOMES)
