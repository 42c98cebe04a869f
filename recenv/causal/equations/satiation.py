"""Satiation: what was consumed of a topic lately."""

import numpy as np

from recenv.causal.compiled import jit_merged


@jit_merged
def satiation_next(satiation, consumed_topic, dials):  # type: ignore[no-untyped-def]
    """Return satiation' = rho * satiation + (1 - rho) * consumed * topic[a], for one topic.

    `consumed_topic` is the mean of the topic loading over the consumed items, 0 when nothing was consumed.
    """
    return dials["rho"] * satiation + (1.0 - dials["rho"]) * consumed_topic


@jit_merged
def fade(satiation, dials):  # type: ignore[no-untyped-def]
    """Let satiation (G,) fade by one step as if nothing were consumed, in place."""
    for g in range(satiation.shape[0]):
        satiation[g] = satiation_next(satiation[g], 0.0, dials)


@jit_merged
def satiate(satiation, topics, share, dials):  # type: ignore[no-untyped-def]
    """Add one consumed item to satiation (G,) that has already faded: (1 - rho) * share * topic[a], in place.

    `topics` are the item's topics, records (topic, loading); `share` is 1 / number of consumed items, so that a slate
    averages over them. `fade` then `satiate` is `satiation_next` for every topic.
    """
    gain = satiation_gain(share, dials)
    for j in range(topics.shape[0]):
        satiate_topic(satiation, topics[j], gain)


@jit_merged
def satiation_gain(share, dials):  # type: ignore[no-untyped-def]
    """Return (1 - rho) * share, what a topic gains per unit of loading."""
    return (1.0 - dials["rho"]) * share


@jit_merged
def satiate_topic(satiation, topic, gain):  # type: ignore[no-untyped-def]
    """Add one topic (topic, loading) of a consumed item to satiation (G,), in place."""
    satiation[np.uintp(topic["topic"])] += gain * topic["loading"]


@jit_merged
def satiation_match(satiation, topics):  # type: ignore[no-untyped-def]
    """Return satiation . topic[a], over the item's topics (topic, loading)."""
    return match_between(satiation, topics, np.uintp(0), np.uintp(topics.shape[0]))


@jit_merged
def match_between(satiation, topics, first, end):  # type: ignore[no-untyped-def]
    """Return the same for the item whose topics are the rows `first` to `end` of a table."""
    total = 0.0
    for j in range(first, end):
        total += satiation[np.uintp(topics[j]["topic"])] * topics[j]["loading"]
    return total
