"""Leaving: the user ends the session, the more likely the less it is trusted."""

from recenv.causal.compiled import jit_merged
from recenv.causal.noise import logistic_cdf


@jit_merged
def leave_probability(trust, dials):  # type: ignore[no-untyped-def]
    """Return leaving * sigmoid(h0 - h1 * trust'); the strength `leaving` (0 to 1) is 0 when the mechanism is off."""
    return dials["leaving"] * logistic_cdf(dials["h0"] - dials["h1"] * trust)


@jit_merged
def leaves(u, trust, dials):  # type: ignore[no-untyped-def]
    """Return whether the user leaves: u < leave_probability."""
    return u < leave_probability(trust, dials)
