"""Trust: a running mean of how good the consumed items were."""

from recenv.causal.compiled import jit_merged


@jit_merged
def trust_next(trust, felt, dials):  # type: ignore[no-untyped-def]
    """Return trust' = trust + adapt * (felt - trust); `felt`: mean normalised rating, 0 if nothing was consumed."""
    return trust + dials["adapt"] * (felt - trust)
