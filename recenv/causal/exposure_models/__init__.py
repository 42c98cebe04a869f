"""Models of which pairs are rated at all: what a fit weights its ratings by."""

from __future__ import annotations

from recenv.lazy import lazy

_HOMES = {
    "Exposure": "recenv.causal.exposure_models.registry",
    "PoissonExposure": "recenv.causal.exposure_models.poisson",
    "fit_poisson": "recenv.causal.exposure_models.poisson",
    "fit_popularity": "recenv.causal.exposure_models.popularity",
    "fit_randomised": "recenv.causal.exposure_models.randomised",
    "fit_self_selection": "recenv.causal.exposure_models.self_selection",
    "fit_with_features": "recenv.causal.exposure_models.with_features",
    "make_exposure": "recenv.causal.exposure_models.registry",
}

__all__ = sorted(_HOMES)
__getattr__ = lazy(__name__, _HOMES)
