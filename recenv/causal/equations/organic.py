"""Organic consumption and uplift: what the user would have found, and finds, without a recommendation."""

import numpy as np

from recenv.causal.compiled import jit_merged


@jit_merged
def discovered(u, findable, dials):  # type: ignore[no-untyped-def]
    """Return whether the user comes across the item by itself, with probability discovery * sigmoid(pop).

    `findable` is sigmoid(pop), which a world keeps of each item.
    """
    return u < dials["discovery"] * findable


@jit_merged
def attracts_unshown(y_unshown, dials):  # type: ignore[no-untyped-def]
    """Return whether an item that nobody showed is consumed where it is met: y - exposure > tau_click."""
    return y_unshown > dials["tau_click"]


@jit_merged
def organic(examined, discovered_it, y_unshown, dials):  # type: ignore[no-untyped-def]
    """Return Y0: discovered, with the factual examination, and attractive without being shown."""
    return examined and discovered_it and attracts_unshown(y_unshown, dials)


@jit_merged
def uplift(organic_it, clicked_it):  # type: ignore[no-untyped-def]
    """Return Y1 - Y0 with Y1 = Y0 or clicked; it is never negative."""
    return clicked_it and not organic_it


@jit_merged
def comes_across(u, dials):  # type: ignore[no-untyped-def]
    """Return whether the user comes across an item beside those shown, with probability organic_rate."""
    return u < dials["organic_rate"]


@jit_merged
def item_met(u, found_up_to):  # type: ignore[no-untyped-def]
    """Return which item it is: a with probability sigmoid(pop[a]) / sum of them, as `discovered` weighs items.

    `found_up_to` (N,) are the cumulative probabilities, the last of them 1; the first that is not below u is found.
    """
    low, high = 0, found_up_to.shape[0] - 1
    while low < high:
        middle = (low + high) // 2
        if found_up_to[np.uintp(middle)] < u:
            low = middle + 1
        else:
            high = middle
    return low
