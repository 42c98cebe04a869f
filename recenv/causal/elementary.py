"""exp and log without branches or library calls: the same bits on every machine, and loops over them vectorise.

A call into the C library stops the compiler from working on several users at once, and its last bits differ between
versions. Both functions reduce their argument exactly and sum a Taylor series; they are within 1 ulp of the true value.
"""

import numpy as np

from recenv.causal.compiled import jit

_SQRT_HALF = np.int64(0x3FE6A09E667F3BCD)
"""The bits of sqrt(1/2)."""
_MANTISSA = np.int64(52)
_ONE = np.int64(1023 << 52)
"""The bits of 1.0."""
_LN2_HIGH = 0.693147180369123816490
"""ln 2 to 32 bits, so that a product with an exponent is exact; the rest is _LN2_LOW."""
_LN2_LOW = 1.90821492927058770002e-10
_LOG2_E = 1.4426950408889634
_ROUND = 6755399441055744.0
"""1.5 * 2**52: adding it leaves a whole number in the low bits of the sum."""
_LEAST, _LARGEST = -708.0, 709.0
"""Where exp stays finite and normal; it is constant outside."""


@jit
def octic(x, c0, c1, c2, c3, c4, c5, c6, c7):  # type: ignore[no-untyped-def]
    """Return c0 + c1 x + ... + c7 x**7 by Estrin's scheme: three steps that wait for each other, Horner's has seven."""
    x2 = x * x
    return ((c0 + c1 * x) + (c2 + c3 * x) * x2) + ((c4 + c5 * x) + (c6 + c7 * x) * x2) * (x2 * x2)


@jit
def log(x):  # type: ignore[no-untyped-def]
    """Return ln x, x a positive normal float64: k ln 2 + 2 artanh((m - 1) / (m + 1)), m in [sqrt(1/2), sqrt(2))."""
    bits = np.float64(x).view(np.int64)
    k = (bits - _SQRT_HALF) >> _MANTISSA
    f = np.int64(bits - (k << _MANTISSA)).view(np.float64) - 1.0
    s = f / (2.0 + f)
    w = s * s
    w8 = (w * w) * (w * w) * ((w * w) * (w * w))
    p = w * (octic(w, 2 / 3, 2 / 5, 2 / 7, 2 / 9, 2 / 11, 2 / 13, 2 / 15, 2 / 17) + w8 * (2 / 19 + 2 / 21 * w))
    exponent = np.float64(np.int32(k))
    return exponent * _LN2_HIGH + (f - (s * (f - p) - exponent * _LN2_LOW))


@jit
def exp(x):  # type: ignore[no-untyped-def]
    """Return e**x: 2**k e**r with |r| <= ln(2) / 2; constant below -708 and above 709."""
    x = x if x > _LEAST else _LEAST
    x = x if x < _LARGEST else _LARGEST
    shifted = x * _LOG2_E + _ROUND
    k = shifted - _ROUND
    r = (x - k * _LN2_HIGH) - k * _LN2_LOW
    r2 = r * r
    r4 = r2 * r2
    p = octic(r, 1 / 2, 1 / 6, 1 / 24, 1 / 120, 1 / 720, 1 / 5040, 1 / 40320, 1 / 362880)
    p += r4 * r4 * ((1 / 3628800 + 1 / 39916800 * r) + (1 / 479001600 + 1 / 6227020800 * r) * r2)
    scale = np.int64((np.float64(shifted).view(np.int64) << _MANTISSA) + _ONE).view(np.float64)
    return scale + scale * (r + r2 * p)
