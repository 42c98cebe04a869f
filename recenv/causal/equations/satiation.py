"""Satiation: what was consumed of a topic lately."""

from recenv.causal.compiled import jit


@jit
def satiation_next(satiation, consumed_topic, dials):  # type: ignore[no-untyped-def]
    """Return satiation' = rho * satiation + (1 - rho) * consumed * topic[a], for one topic.

    `consumed_topic` is the mean of the topic loading over the consumed items, 0 when nothing was consumed.
    """
    return dials["rho"] * satiation + (1.0 - dials["rho"]) * consumed_topic


@jit
def fade(satiation, dials):  # type: ignore[no-untyped-def]
    """Let satiation (G,) fade by one step as if nothing were consumed, in place."""
    for g in range(satiation.shape[0]):
        satiation[g] = satiation_next(satiation[g], 0.0, dials)


@jit
def satiate(satiation, topics, share, dials):  # type: ignore[no-untyped-def]
    """Add one consumed item to satiation (G,) that has already faded: (1 - rho) * share * topic[a], in place.

    `topics` are the item's topics, records (topic, loading); `share` is 1 / number of consumed items, so that a slate
    averages over them. `fade` then `satiate` is `satiation_next` for every topic.
    """
    gain = (1.0 - dials["rho"]) * share
    for j in range(topics.shape[0]):
        satiation[topics[j]["topic"]] += gain * topics[j]["loading"]


@jit
def satiation_match(satiation, topics):  # type: ignore[no-untyped-def]
    """Return satiation . topic[a], over the item's topics (topic, loading)."""
    total = 0.0
    for j in range(topics.shape[0]):
        total += satiation[topics[j]["topic"]] * topics[j]["loading"]
    return total
