"""Organic consumption and uplift: what the user would have found without a recommendation."""

from recenv.causal.compiled import jit_merged
from recenv.causal.noise import logistic_cdf


@jit_merged
def discovered(u, popularity, dials):  # type: ignore[no-untyped-def]
    """Return whether the user comes across the item by itself, with probability discovery * sigmoid(pop)."""
    return u < dials["discovery"] * logistic_cdf(popularity)


@jit_merged
def organic(examined, discovered_it, y_unshown, dials):  # type: ignore[no-untyped-def]
    """Return Y0: discovered, with the factual examination, and attractive without being shown."""
    return examined and discovered_it and y_unshown > dials["tau_click"]


@jit_merged
def uplift(organic_it, clicked_it):  # type: ignore[no-untyped-def]
    """Return Y1 - Y0 with Y1 = Y0 or clicked; it is never negative."""
    return clicked_it and not organic_it
