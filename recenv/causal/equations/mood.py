"""Mood: a hidden autoregressive state with variance 1, the confounder."""

import math

from recenv.causal.compiled import jit_merged


@jit_merged
def mood_next(mood, n, dials):  # type: ignore[no-untyped-def]
    """Return mood' = phi * mood + sqrt(1 - phi^2) * n, with n standard normal."""
    phi = dials["phi"]
    return phi * mood + math.sqrt(1.0 - phi * phi) * n
