"""Networks that score items for a user: interchangeable parts of the neural agents."""

from __future__ import annotations

from recenv.lazy import lazy

_HOMES = {
    "AutoencoderScorer": "recenv.agents.scorers.autoencoder",
    "LinearScorer": "recenv.agents.scorers.linear",
    "MLPScorer": "recenv.agents.scorers.mlp",
    "SCORERS": "recenv.agents.scorers.registry",
    "Scorer": "recenv.agents.scorers.scorer",
    "Situation": "recenv.agents.scorers.scorer",
    "TransformerScorer": "recenv.agents.scorers.transformer",
    "TwoTowerScorer": "recenv.agents.scorers.two_tower",
    "make_scorer": "recenv.agents.scorers.registry",
}

__all__ = sorted(_HOMES)
__getattr__ = lazy(__name__, _HOMES)
