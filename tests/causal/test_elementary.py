import math

import numpy as np
import pytest

from recenv.causal.elementary import exp, log, octic

RNG = np.random.default_rng(0)


def in_ulp(found, expected):
    return np.abs(np.array(found) - expected) / np.spacing(np.abs(expected))


@pytest.mark.parametrize(
    "x",
    [RNG.random(4000), np.exp(RNG.uniform(-700, 700, 4000)), 1 + RNG.random(4000) / 999, 1 - 0.5 ** np.arange(2, 54)],
    ids=["uniforms", "all sizes", "around one", "just below one"],
)  # fmt: skip
def test_log_is_within_two_units_in_the_last_place(x):
    assert in_ulp([log(one) for one in x], [math.log(one) for one in x]).max() <= 2


@pytest.mark.parametrize("size", [1e-9, 1.0, 40.0, 700.0])
def test_exp_is_within_two_units_in_the_last_place(size):
    x = RNG.uniform(-size, size, 4000)
    assert in_ulp([exp(one) for one in x], [math.exp(one) for one in x]).max() <= 2


def test_exact_values():
    assert (log(1.0), exp(0.0), log(0.5)) == (0.0, 1.0, -math.log(2.0))
    assert log(2.0**52) == pytest.approx(52 * math.log(2.0), rel=1e-16)


def test_exp_is_constant_where_it_would_leave_the_normal_numbers():
    assert exp(-1e9) == exp(-708.0) == pytest.approx(math.exp(-708.0))
    assert exp(1e9) == exp(709.0) == pytest.approx(math.exp(709.0))


def test_octic_sums_the_eight_terms():
    assert octic(2.0, 1, 2, 3, 4, 5, 6, 7, 8) == sum((k + 1) * 2.0**k for k in range(8))
