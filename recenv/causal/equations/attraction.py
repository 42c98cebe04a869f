"""Attraction: what is chosen."""

from recenv.causal.compiled import jit_merged


@jit_merged
def attraction(affinity, popularity, e_click, dials):  # type: ignore[no-untyped-def]
    """Return y = attract * affinity + conformity * pop + exposure + e_click, of an item that is shown.

    `affinity` is taste . V[a]; the noise scale is 1 (standard logistic).
    """
    return dials["attract"] * affinity + dials["conformity"] * popularity + dials["exposure"] + e_click


@jit_merged
def attraction_unshown(y, dials):  # type: ignore[no-untyped-def]
    """Return the attraction of the same item had nobody shown it: y - exposure."""
    return y - dials["exposure"]
