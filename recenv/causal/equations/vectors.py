"""Inner products, added up in one fixed order so that every caller gets the same bits."""

from recenv.causal.compiled import jit_merged


@jit_merged
def dot(a, b):  # type: ignore[no-untyped-def]
    """Return a . b for two float64 vectors of one length, in four running sums."""
    n = a.shape[0]
    s0 = s1 = s2 = s3 = 0.0
    whole = n - n % 4
    for d in range(0, whole, 4):
        s0 += a[d] * b[d]
        s1 += a[d + 1] * b[d + 1]
        s2 += a[d + 2] * b[d + 2]
        s3 += a[d + 3] * b[d + 3]
    for d in range(whole, n):
        s0 += a[d] * b[d]
    return (s0 + s1) + (s2 + s3)
