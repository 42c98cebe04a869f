"""Satisfaction: what is felt about a consumed item."""

from recenv.causal.compiled import jit_merged
from recenv.causal.noise import logistic_cdf


@jit_merged
def base_satisfaction(affinity, user_bias, item_bias):  # type: ignore[no-untyped-def]
    """Return taste . V[a] + b_u + b_i[a], the part that does not change within a session without dynamics."""
    return affinity + user_bias + item_bias


@jit_merged
def satisfaction(base, boredom_felt, mood_felt, e_rate):  # type: ignore[no-untyped-def]
    """Return x = base - boredom * (satiation . topic[a]) + confounding * tanh(mood) * comfort[a] + e_rate."""
    return base - boredom_felt + mood_felt + e_rate


@jit_merged
def boredom_felt(satiation_match, dials):  # type: ignore[no-untyped-def]
    """Return boredom * (satiation . topic[a]), in units of the rating noise."""
    return dials["boredom"] * satiation_match


@jit_merged
def mood_swing(mood, dials):  # type: ignore[no-untyped-def]
    """Return confounding * tanh(mood): the mood's effect on an item of comfort 1."""
    return dials["confounding"] * (2.0 * logistic_cdf(2.0 * mood) - 1.0)  # tanh(m) = 2 sigmoid(2 m) - 1


@jit_merged
def mood_felt(mood, comfort, dials):  # type: ignore[no-untyped-def]
    """Return confounding * tanh(mood) * comfort[a]; comfort is in [-1, 1], so the effect is at most `confounding`."""
    return mood_swing(mood, dials) * comfort
