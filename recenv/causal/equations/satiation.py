"""Satiation: what was consumed of a topic lately."""

from recenv.causal.compiled import jit


@jit
def satiation_next(satiation, consumed_topic, dials):  # type: ignore[no-untyped-def]
    """Return satiation' = rho * satiation + (1 - rho) * consumed * topic[a], for one topic.

    `consumed_topic` is the mean of the topic loading over the consumed items, 0 when nothing was consumed.
    """
    return dials["rho"] * satiation + (1.0 - dials["rho"]) * consumed_topic


@jit
def satiate(satiation, topic, share, dials):  # type: ignore[no-untyped-def]
    """Add one consumed item to satiation (G,) that has already faded: (1 - rho) * share * topic[a], in place.

    `share` is 1 / number of consumed items, so that a slate averages over them.
    """
    gain = (1.0 - dials["rho"]) * share
    for g in range(satiation.shape[0]):
        satiation[g] += gain * topic[g]


@jit
def fade(satiation, dials):  # type: ignore[no-untyped-def]
    """Let satiation (G,) fade by one step, rho * satiation, in place; `fade` then `satiate` is `satiation_next`."""
    for g in range(satiation.shape[0]):
        satiation[g] = dials["rho"] * satiation[g]
