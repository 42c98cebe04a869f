import numpy as np
import pytest

from recenv.causal.equations.vectors import dot


def test_dot_by_hand():
    assert dot(np.array([1.0, 2.0, 3.0, 4.0, 5.0]), np.array([1.0, -1.0, 2.0, 0.5, 2.0])) == 17.0


@pytest.mark.parametrize("size", range(1, 10))
def test_dot_agrees_with_exact_arithmetic_at_every_remainder(size):
    rng = np.random.default_rng(size)
    a, b = rng.integers(-9, 9, (2, size)).astype(float)
    assert dot(a, b) == sum(int(x) * int(y) for x, y in zip(a, b, strict=True))
