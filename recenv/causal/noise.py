"""Addressed noise: every random number of a user has an address, and nothing is ever drawn from a stream.

Philox4x32-10 (Salmon et al. 2011, `salmon2011parallel`) maps a key and a counter to 128 random bits. The key says
which world or which episode, the counter says which user, step, item and purpose (channel). So what this user would
have done with another item is a defined value, the same alone, in a batch, and in any order.
"""

from __future__ import annotations

import math

import numpy as np

from recenv.causal.compiled import jit, jit_merged
from recenv.causal.elementary import exp, log, octic

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
ORGANIC = np.uint32(7)
"""Channel: whether the user comes across an item beside those shown, and in the second number which one."""

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


@jit_merged
def unit(high, low):  # type: ignore[no-untyped-def]
    """Turn two 32-bit words into a number in the open interval (0, 1): 52 random bits and a half.

    With 53 bits and a half the largest would round to 1.
    """
    return (float(high >> np.uint32(5)) * 33554432.0 + float(low >> np.uint32(7)) + 0.5) * (1.0 / 4503599627370496.0)


@jit_merged
def uniform_pair(seed, episode, user, step, index, channel):  # type: ignore[no-untyped-def]
    """Return two independent uniforms of the transient address (seed, episode; user, step, index, channel)."""
    a, b, c, d = philox(np.uint32(user), np.uint32(step), np.uint32(index), channel, seed, episode)
    return unit(a, b), unit(c, d)


@jit_merged
def opinion_uniform(world_low, world_high, user, item, channel):  # type: ignore[no-untyped-def]
    """Return the uniform of a user's persistent opinion: key (world seed), reserved step."""
    a, b, _, _ = philox(np.uint32(user), RESERVED_STEP, np.uint32(item), channel, world_low, world_high)
    return unit(a, b)


@jit_merged
def episode_user(seed, episode, n_users):  # type: ignore[no-untyped-def]
    """Return which of `n_users` users the episode (seed, episode) belongs to."""
    u, _ = uniform_pair(seed, episode, 0, RESERVED_STEP, 0, USER)
    return min(int(u * n_users), n_users - 1)


@jit_merged
def logistic_quantile(u):  # type: ignore[no-untyped-def]
    """Return log(u / (1 - u)), the standard logistic variable with cumulative probability u."""
    return log(u / (1.0 - u))


@jit_merged
def logistic_cdf(x):  # type: ignore[no-untyped-def]
    """Return 1 / (1 + exp(-x)) without overflow, accurate in both tails to |x| = 708."""
    z = exp(-abs(x))
    return (1.0 if x >= 0.0 else z) / (1.0 + z)


@jit_merged
def gumbel_quantile(u):  # type: ignore[no-untyped-def]
    """Return -log(-log(u)), the standard Gumbel variable with cumulative probability u."""
    return -log(-log(u))


@jit
def normal_tail(z):  # type: ignore[no-untyped-def]
    """Return the probability of more than z >= 0 under the standard normal, to a relative 1e-13 up to z = 37.

    (1 + z) exp(z**2 / 2) times it is smooth over the whole half-line: a polynomial in t = (z - 4) / (z + 4), which
    interpolates it to 4e-16 at Chebyshev points (the form of Shepherd and Laframboise 1981, `shepherd1981chebyshev`).
    """
    t = (z - 4.0) / (z + 4.0)
    t2 = t * t
    t8 = (t2 * t2) * (t2 * t2)
    smooth = octic(
        t,
        0.47205320650984467,
        -0.09670347732653004,
        0.013999634724425405,
        0.028600364053922668,
        -0.0321978374281112,
        0.017936097469979716,
        -0.005002378590232964,
        -0.0002856229810130397,
    ) + t8 * (
        octic(
            t,
            0.0006948970947707105,
            -9.443103978251543e-05,
            -8.785312372558892e-05,
            2.1253281629286225e-05,
            1.3626662813867183e-05,
            -3.440746152972278e-06,
            -2.6124967329688786e-06,
            4.192977228155561e-07,
        )
        + t8
        * octic(
            t,
            5.51556073446947e-07,
            -1.5237425969718155e-08,
            -1.108062580623815e-07,
            -8.145158670404094e-09,
            1.768815494414806e-08,
            1.5735251946689864e-09,
            -1.5903059769359956e-09,
            0.0,
        )
    )
    return smooth * exp(-0.5 * z * z) / (1.0 + z)


@jit
def normal_cdf(x):  # type: ignore[no-untyped-def]
    """Return the standard normal cumulative probability, accurate in the lower tail."""
    tail = normal_tail(abs(x))
    return tail if x < 0.0 else 1.0 - tail


@jit
def normal_quantile(u):  # type: ignore[no-untyped-def]
    """Return the standard normal variable with cumulative probability u, to 1e-15 of itself or of 1.

    With p = min(u, 1 - u) and r = sqrt(-2 log p), z / (r - sqrt(2 log 2)) is smooth over the whole range: a rational
    function of r, which interpolates it to 2e-16 down to p = 1e-303, and has positive coefficients only. There is no
    case for the middle and none for the tails: a branch would be guessed wrong for many users.
    """
    q = u - 0.5
    r = math.sqrt(-2.0 * log(u if q < 0.0 else 1.0 - u))
    r2 = r * r
    r4 = r2 * r2
    r8 = r4 * r4
    num = octic(
        r,
        3.498943281173951,
        106.27772564370159,
        731.0375965981119,
        1854.7844215725054,
        2142.3898511973543,
        1292.4897995845179,
        452.8048069929579,
        95.11860450941295,
    ) + r8 * (
        (11.214534107723273 + 0.6736889164312277 * r)
        + (0.01865546948238669 + 0.0002058109469553817 * r) * r2
        + 6.488693769471413e-07 * r4
    )
    den = octic(
        r,
        1.0,
        40.86493578121286,
        351.5210349296019,
        1077.972091411027,
        1458.1729386625,
        990.038018153022,
        376.0141569843891,
        84.57788847450523,
    ) + r8 * (
        (10.511968292133322 + 0.6529458541066844 * r)
        + (0.01841804999952094 + 0.00020504802358192333 * r) * r2
        + 6.488686887497028e-07 * r4
    )
    z = (r - 1.1774100225154747) * num / den
    return -z if q < 0.0 else z


def seed_word(seed: int) -> int:
    """Return the 32-bit word that stands for an episode seed: the seed itself below 2**32, else a hash of it."""
    if seed < 0:
        raise ValueError(f"seed must be 0 or more, got {seed}")
    return seed if seed < 2**32 else int(np.random.SeedSequence(seed).generate_state(1)[0])
