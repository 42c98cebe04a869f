"""Examination: whether the user looks at a position, by position-based or cascade browsing (Craswell et al. 2008)."""

from recenv.causal.compiled import jit_merged


@jit_merged
def position_probability(position, dials):  # type: ignore[no-untyped-def]
    """Return (1 / (position + 1)) ** eta, the probability that a position (from 0) is examined."""
    if position == 0:
        return 1.0
    return (1.0 / (position + 1.0)) ** dials["eta"]


@jit_merged
def examined_in_cascade(examined_before, clicked_before):  # type: ignore[no-untyped-def]
    """Return whether a cascade user reads on: the position before was examined and not clicked."""
    return examined_before and not clicked_before
