"""Click and purchase: two thresholds on attraction, the second at least as high."""

from recenv.causal.compiled import jit_merged


@jit_merged
def clicked(examined, y, dials):  # type: ignore[no-untyped-def]
    """Return whether an examined item is clicked: y > tau_click."""
    return examined and y > dials["tau_click"]


@jit_merged
def purchased(clicked_it, y, dials):  # type: ignore[no-untyped-def]
    """Return whether a clicked item is bought: y > tau_buy."""
    return clicked_it and y > dials["tau_buy"]


@jit_merged
def consumed(shown, clicked_it, dials):  # type: ignore[no-untyped-def]
    """Return whether an item is consumed: clicked, or with the funnel off (pure rating logs) merely shown."""
    return clicked_it if dials["funnel"] != 0.0 else shown
