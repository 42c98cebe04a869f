"""Exposure models by name: what `World.fit(exposure=...)` accepts."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from recenv.causal.exposure import fit_exposure
from recenv.causal.exposure_models.given import ComputedPropensities, Exposure, checked_propensities, known_propensities
from recenv.causal.exposure_models.poisson import fit_poisson
from recenv.causal.exposure_models.popularity import fit_popularity
from recenv.causal.exposure_models.self_selection import fit_self_selected
from recenv.causal.exposure_models.with_features import fit_with_features
from recenv.protocol import Ratings, ResponseData


class Observed(NamedTuple):
    """What an exposure model may learn from: which pairs the fit sees, and side information."""

    user: NDArray[np.integer]
    """(n,)."""
    item: NDArray[np.integer]
    """(n,)."""
    n_users: int
    """U."""
    n_items: int
    """N."""
    user_features: NDArray[np.float32] | None
    """(U, P) standardised."""
    item_features: NDArray[np.float32] | None
    """(N, Q) standardised."""
    level: NDArray[np.integer]
    """(n,) 1..L, for exposure that depends on the rating."""
    scale: NDArray[np.float64]
    """(L,) rating value of each level."""

    @property
    def pairs(self) -> tuple[NDArray[np.integer], NDArray[np.integer], int, int]:
        """User, item, U, N."""
        return self.user, self.item, self.n_users, self.n_items

    @property
    def ratings(self) -> ResponseData:
        """The ratings as what a response model learns from, unweighted."""
        n = len(self.user)
        train = Ratings(self.user, self.item, self.level, np.ones(n), np.arange(n))
        nothing = Ratings._make(column[:0] for column in train)
        sides = (self.user_features, self.item_features)
        return ResponseData(train, nothing, self.n_users, self.n_items, self.scale, *sides)


EXPOSURES: dict[str, Callable[[Observed, np.random.Generator], Exposure]] = {
    "rasch": lambda seen, rng: fit_exposure(*seen.pairs),
    "popularity": lambda seen, rng: fit_popularity(seen.item, seen.n_users, seen.n_items),
    "poisson": lambda seen, rng: fit_poisson(*seen.pairs, rng=rng),
    "features": lambda seen, rng: fit_with_features(
        seen.user, seen.item, seen.user_features, seen.item_features, rng=rng
    ),
    "self_selection": lambda seen, rng: fit_self_selected(seen.ratings, rng=rng),
}
"""Name -> fit."""


def make_exposure(
    exposure: str | NDArray[np.floating] | Callable[..., NDArray[np.floating]],
    seen: Observed,
    logged: tuple[NDArray[np.integer], NDArray[np.integer]],
    rng: np.random.Generator,
) -> Exposure:
    """Return the exposure model of a name, of one propensity a logged row, or of a function of users and items.

    Given propensities are of being in the log; the fit sees a share of it, and its propensities are as much lower.
    Pairs outside the log have those of the Rasch model.

    Parameters
    ----------
    exposure
        See `FitConfig.exposure`.
    seen
        The pairs that the fit sees.
    logged
        (user, item) of all rows of the log, in its order.
    """
    if isinstance(exposure, str):
        return EXPOSURES[exposure](seen, rng)
    user, item = logged
    share = len(seen.user) / len(user)
    if callable(exposure):
        return ComputedPropensities(exposure, share)
    given = checked_propensities(np.asarray(exposure), len(user))
    return known_propensities(user, item, share * given, seen.n_items, fit_exposure(*seen.pairs))
