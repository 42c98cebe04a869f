"""The four-wide inner product is the plain one, bit for bit."""

import numpy as np
import pytest
from numba import njit

from recenv.causal.equations.vectors import dot
from recenv.envs.wide import row_dot


@njit
def both(a, b, wide, plain):
    for row in range(len(a)):
        for other in range(len(b)):
            wide[row, other] = row_dot(a, np.uint32(row), b, np.uint32(other))
            plain[row, other] = dot(a[row], b[other])


@pytest.mark.parametrize("dims", [1, 3, 4, 5, 8, 16, 18])
def test_it_equals_the_plain_inner_product_bit_for_bit(dims):
    rng = np.random.default_rng(dims)
    a, b = rng.normal(size=(5, dims)), rng.normal(size=(7, dims))
    wide, plain = np.empty((5, 7)), np.empty((5, 7))
    both(a, b, wide, plain)
    np.testing.assert_array_equal(wide, plain)
    np.testing.assert_allclose(wide, a @ b.T, rtol=1e-13, atol=1e-13)
