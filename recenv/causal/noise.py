"""Addressed noise: every random number of a user has an address, and nothing is ever drawn from a stream.

Philox4x32-10 (Salmon et al. 2011, `salmon2011parallel`) maps a key and a counter to 128 random bits. The key says
which world or which episode, the counter says which user, step, item and purpose (channel). So what this user would
have done with another item is a defined value, the same alone, in a batch, and in any order.
"""

from __future__ import annotations

import math

import numpy as np

from recenv.causal.compiled import jit

RESERVED_STEP = np.uint32(0xFFFFFFFF)
"""The step of everything that persists over an episode, or over all of them."""

USER = np.uint32(0)
"""Channel: which user an episode belongs to."""
OPINION = np.uint32(1)
"""Channel: persistent opinion of a user about an item (e_rate)."""
SHARED_OPINION = np.uint32(2)
"""Channel: the part of the opinions that all items of a user share (the `noise_correlation` dial)."""
CLICK = np.uint32(3)
"""Channel: click noise (e_click), and in the second number the discovery of the item without a recommendation."""
CHOICE = np.uint32(4)
"""Channel: Gumbel noise of the multinomial-logit choice; item 0xFFFFFFFF is the option of no click."""
EXAMINATION = np.uint32(5)
"""Channel: whether a position is examined."""
PASSAGE = np.uint32(6)
"""Channel: what happens to the user after the step: change of mood, and in the second number leaving."""

_M0 = np.uint64(0xD2511F53)
_M1 = np.uint64(0xCD9E8D57)
_W0 = np.uint64(0x9E3779B9)
_W1 = np.uint64(0xBB67AE85)
_LOW = np.uint64(0xFFFFFFFF)
_SHIFT = np.uint64(32)


@jit
def philox(c0, c1, c2, c3, k0, k1):  # type: ignore[no-untyped-def]
    """Return the four 32-bit words of Philox4x32-10 for counter (c0, c1, c2, c3) and key (k0, k1).

    The arithmetic is written in 64 bits with explicit masks, since a 32-bit product is widened when compiled and
    wraps in plain Python.
    """
    x0, x1, x2, x3 = np.uint64(c0), np.uint64(c1), np.uint64(c2), np.uint64(c3)
    key0, key1 = np.uint64(k0), np.uint64(k1)
    for _ in range(10):
        product0 = _M0 * x0
        product1 = _M1 * x2
        x0 = (product1 >> _SHIFT) ^ x1 ^ key0
        x1 = product1 & _LOW
        x2 = (product0 >> _SHIFT) ^ x3 ^ key1
        x3 = product0 & _LOW
        key0 = (key0 + _W0) & _LOW
        key1 = (key1 + _W1) & _LOW
    return np.uint32(x0), np.uint32(x1), np.uint32(x2), np.uint32(x3)


@jit
def unit(high, low):  # type: ignore[no-untyped-def]
    """Turn two 32-bit words into a number in the open interval (0, 1): 52 random bits and a half.

    With 53 bits and a half the largest would round to 1.
    """
    return (float(high >> np.uint32(5)) * 33554432.0 + float(low >> np.uint32(7)) + 0.5) * (1.0 / 4503599627370496.0)


@jit
def uniform_pair(seed, episode, user, step, index, channel):  # type: ignore[no-untyped-def]
    """Return two independent uniforms of the transient address (seed, episode; user, step, index, channel)."""
    a, b, c, d = philox(np.uint32(user), np.uint32(step), np.uint32(index), channel, seed, episode)
    return unit(a, b), unit(c, d)


@jit
def opinion_uniform(world_low, world_high, user, item, channel):  # type: ignore[no-untyped-def]
    """Return the uniform of a user's persistent opinion: key (world seed), reserved step."""
    a, b, _, _ = philox(np.uint32(user), RESERVED_STEP, np.uint32(item), channel, world_low, world_high)
    return unit(a, b)


@jit
def episode_user(seed, episode, n_users):  # type: ignore[no-untyped-def]
    """Return which of `n_users` users the episode (seed, episode) belongs to."""
    u, _ = uniform_pair(seed, episode, 0, RESERVED_STEP, 0, USER)
    return min(int(u * n_users), n_users - 1)


@jit
def logistic_quantile(u):  # type: ignore[no-untyped-def]
    """Return log(u / (1 - u)), the standard logistic variable with cumulative probability u."""
    return math.log(u / (1.0 - u))


@jit
def logistic_cdf(x):  # type: ignore[no-untyped-def]
    """Return 1 / (1 + exp(-x)) without overflow."""
    if x >= 0.0:
        return 1.0 / (1.0 + math.exp(-x))
    z = math.exp(x)
    return z / (1.0 + z)


@jit
def gumbel_quantile(u):  # type: ignore[no-untyped-def]
    """Return -log(-log(u)), the standard Gumbel variable with cumulative probability u."""
    return -math.log(-math.log(u))


@jit
def normal_cdf(x):  # type: ignore[no-untyped-def]
    """Return the standard normal cumulative probability, accurate in the lower tail."""
    return 0.5 * math.erfc(-x * 0.7071067811865476)


@jit
def normal_quantile(u):  # type: ignore[no-untyped-def]
    """Return the standard normal variable with cumulative probability u (Wichura 1988, AS 241, about 1e-16)."""
    q = u - 0.5
    if abs(q) <= 0.425:
        r = 0.180625 - q * q
        num = ((((((2509.0809287301226727 * r + 33430.575583588128105) * r + 67265.770927008700853) * r
                 + 45921.953931549871457) * r + 13731.693765509461125) * r + 1971.5909503065514427) * r
               + 133.14166789178437745) * r + 3.387132872796366608  # fmt: skip
        den = ((((((5226.495278852854561 * r + 28729.085735721942674) * r + 39307.89580009271061) * r
                 + 21213.794301586595867) * r + 5394.1960214247511077) * r + 687.1870074920579083) * r
               + 42.313330701600911252) * r + 1.0  # fmt: skip
        return q * num / den
    r = math.sqrt(-math.log(u if q < 0.0 else 1.0 - u))
    if r <= 5.0:
        r -= 1.6
        num = ((((((7.7454501427834140764e-4 * r + 0.0227238449892691845833) * r + 0.24178072517745061177) * r
                 + 1.27045825245236838258) * r + 3.64784832476320460504) * r + 5.7694972214606914055) * r
               + 4.6303378461565452959) * r + 1.42343711074968357734  # fmt: skip
        den = ((((((1.05075007164441684324e-9 * r + 5.475938084995344946e-4) * r + 0.0151986665636164571966) * r
                 + 0.14810397642748007459) * r + 0.68976733498510000455) * r + 1.6763848301838038494) * r
               + 2.05319162663775882187) * r + 1.0  # fmt: skip
    else:
        r -= 5.0
        num = ((((((2.01033439929228813265e-7 * r + 2.71155556874348757815e-5) * r + 0.0012426609473880784386) * r
                 + 0.026532189526576123093) * r + 0.29656057182850489123) * r + 1.7848265399172913358) * r
               + 5.4637849111641143699) * r + 6.6579046435011037772  # fmt: skip
        den = ((((((2.04426310338993978564e-15 * r + 1.4215117583164458887e-7) * r + 1.8463183175100546818e-5) * r
                 + 7.868691311456132591e-4) * r + 0.0148753612908506148525) * r + 0.13692988092273580531) * r
               + 0.59983220655588793769) * r + 1.0  # fmt: skip
    return -num / den if q < 0.0 else num / den


def seed_word(seed: int) -> int:
    """Return the 32-bit word that stands for an episode seed: the seed itself below 2**32, else a hash of it."""
    if seed < 0:
        raise ValueError(f"seed must be 0 or more, got {seed}")
    return seed if seed < 2**32 else int(np.random.SeedSequence(seed).generate_state(1)[0])
