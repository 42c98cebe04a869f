"""Candidate sets: which C items may be shown at a step, by addressed noise.

A set is a pure function of (seed, episode; user, step) and of what the session has shown, so every branch of a session,
a counterfactual too, meets the same one. The items are walked in the order of a keyed permutation, and those shown
before are passed over: C items cost about C evaluations, however large the catalogue.
"""

from __future__ import annotations

import numpy as np

from recenv.causal.compiled import jit
from recenv.causal.noise import philox

CANDIDATES = np.uint32(19)
"""Noise channel of the candidate sets."""

SMALLEST = np.uint64(8)
"""Bits of the smallest permutation: on fewer its rounds do not mix well, so a short list is spread out more thinly."""


@jit
def scattered(place, mask, shift, keys):  # type: ignore[no-untyped-def]
    """Return where a keyed permutation of 0..mask takes `place`; mask is a power of two less 1.

    Every round is a bijection: times an odd number, plus a number, then the upper half into the lower. Rounds of this
    kind and the walk past what lies outside the range: Black and Rogaway (2002, `black2002ciphers`).
    """
    x = np.uint64(place)
    for r in range(4):
        x = (x * (np.uint64(keys[2 * r]) | np.uint64(1)) + np.uint64(keys[2 * r + 1])) & mask
        x ^= x >> shift
    return np.int64(x)


@jit
def was_shown(i, item, state, rules):  # type: ignore[no-untyped-def]
    """Say whether slot i has shown the item in this episode."""
    slate = state.shown.shape[1] // rules["horizon"]
    for j in range(state.slot[i]["step"] * slate):  # noqa: SIM110 (compiled)
        if state.shown[i, j] == item:
            return True
    return False


@jit
def walk(i, keys, skip_shown, state, rules, pools, offered):  # type: ignore[no-untyped-def]
    """Write slot i's candidates into offered[i] and return how many were found."""
    user = state.slot[i]["user"]
    first, size = pools.first[user], pools.last[user] - pools.first[user]
    bits = SMALLEST
    while (np.int64(1) << np.int64(bits)) < size:
        bits += np.uint64(1)
    mask = (np.uint64(1) << bits) - np.uint64(1)
    found = 0
    for step in range(np.int64(mask) + 1):
        place = scattered(step, mask, (bits + np.uint64(1)) >> np.uint64(1), keys)
        if place >= size:
            continue
        item = pools.item[first + place]
        if skip_shown and was_shown(i, item, state, rules):
            continue
        offered[i, found] = item
        found += 1
        if found == offered.shape[1]:
            break
    return found


@jit
def offer(i, state, rules, pools, offered):  # type: ignore[no-untyped-def]
    """Write the candidates of slot i at its step into offered[i] (C,); -1 pads where fewer are left.

    Where nothing is left the session is over, and the set, which will not be used, is drawn as if nothing was shown.
    """
    slot = state.slot[i]
    a = philox(np.uint32(slot["user"]), np.uint32(slot["step"]), 0, CANDIDATES, slot["seed"], slot["episode"])
    b = philox(np.uint32(slot["user"]), np.uint32(slot["step"]), 1, CANDIDATES, slot["seed"], slot["episode"])
    keys = (a[0], a[1], a[2], a[3], b[0], b[1], b[2], b[3])
    found = walk(i, keys, not rules["repeat"], state, rules, pools, offered)
    if found == 0:
        found = walk(i, keys, False, state, rules, pools, offered)
    for j in range(found, offered.shape[1]):
        offered[i, j] = -1


@jit
def offer_all(order, state, rules, pools, offered):  # type: ignore[no-untyped-def]
    """Write the candidates of every slot in `order` into offered (B, C)."""
    for j in range(order.shape[0]):
        offer(order[j], state, rules[0], pools, offered)
