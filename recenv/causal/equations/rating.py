"""Rating: an ordinal reading of satisfaction (proportional odds; McCullagh 1980, `mccullagh1980regression`)."""

from recenv.causal.compiled import jit_merged
from recenv.causal.noise import logistic_cdf


@jit_merged
def rating_level(x, thresholds):  # type: ignore[no-untyped-def]
    """Return 1 + #{j : x > tau_j}, a level in 1..L, for L - 1 ascending thresholds."""
    level = 1
    for j in range(thresholds.shape[0]):
        level += 1 if passes(x, thresholds[j]) else 0
    return level


@jit_merged
def passes(x, threshold):  # type: ignore[no-untyped-def]
    """Return whether satisfaction is above a threshold: x > tau_j."""
    return x > threshold


@jit_merged
def level_probability(level, mean, thresholds):  # type: ignore[no-untyped-def]
    """Return P(rating = level) when x = mean + standard logistic noise."""
    last = thresholds.shape[0]
    above = 0.0 if level == last + 1 else logistic_cdf(mean - thresholds[level - 1])
    reached = 1.0 if level == 1 else logistic_cdf(mean - thresholds[level - 2])
    return reached - above


@jit_merged
def normalised_rating(level, levels):  # type: ignore[no-untyped-def]
    """Return (level - 1) / (L - 1), in [0, 1]."""
    return (level - 1.0) / (levels - 1.0)
