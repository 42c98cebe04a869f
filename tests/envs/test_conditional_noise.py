import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import integrate, stats

from recenv.envs.conditional_noise import joint_mass, mass, normal_of, truncated_mean, upper_orthant

ENDS = st.floats(-6, 6) | st.sampled_from([-np.inf, np.inf, 0.0])


@pytest.mark.parametrize(("low", "high"), [(-np.inf, np.inf), (-1.0, 2.0), (0.0, np.inf), (30.0, 31.0), (-40.0, -39.0)])
def test_mass_and_mean_of_an_interval_of_the_logistic(low, high):
    law = stats.logistic
    expected = law.cdf(high) - law.cdf(low) if low < 20 else law.sf(low) - law.sf(high)
    assert mass(np.array(low), np.array(high)) == pytest.approx(expected, rel=1e-12)
    ends = max(low, -60.0), min(high, 60.0)
    mean = (
        integrate.quad(
            lambda e: e * law.pdf(e),
            *ends,
            points=[0.0] if ends[0] < 0 < ends[1] else None,
            epsabs=1e-12 * expected,
            epsrel=1e-11,
            limit=300,
        )[0]
        / expected
    )
    assert truncated_mean(np.array(low), np.array(high)) == pytest.approx(mean, rel=1e-9, abs=1e-9)


def test_the_normal_of_a_logistic_is_accurate_far_out():
    e = np.array([-600.0, -40.0, -1.0, 0.0, 1.0, 40.0, 600.0])
    z = normal_of(e)
    np.testing.assert_allclose(stats.norm.logcdf(z[:3]), stats.logistic.logcdf(e[:3]), rtol=1e-12)
    np.testing.assert_array_equal(z, -z[::-1])


@pytest.mark.parametrize("rho", [-0.99, -0.5, 0.0, 0.3, 0.999])
@pytest.mark.parametrize(("a", "b"), [(0.0, 0.0), (0.0, 1.0), (-1.0, 0.0), (0.7, -1.2), (2.5, 2.4), (-3.0, -0.1)])
def test_orthants_equal_the_integral_over_one_variable(rho, a, b):
    s = np.sqrt(1 - rho**2)
    slope = lambda z: stats.norm.pdf(z) * stats.norm.sf((b - rho * z) / s)  # noqa: E731
    steep = [b / rho] if rho and a < b / rho < 12 else None
    expected = integrate.quad(slope, a, 12, points=steep, epsabs=1e-13, epsrel=1e-12, limit=500)[0]
    assert upper_orthant(np.array(a), np.array(b), rho) == pytest.approx(expected, abs=1e-11)


def test_the_orthant_at_the_origin_is_sheppards():
    for rho in (-0.9, 0.25, 0.8):
        expected = 0.25 + np.arcsin(rho) / (2 * np.pi)
        assert upper_orthant(np.array(0.0), np.array(0.0), rho) == pytest.approx(expected, rel=1e-13)


@settings(max_examples=200, deadline=None, derandomize=True)
@given(a=ENDS, b=ENDS, rho=st.floats(-1, 1))
def test_orthants_are_probabilities_that_add_up(a, b, rho):
    a, b = np.array(a), np.array(b)
    parts = [upper_orthant(s * a, t * b, rho * s * t) for s in (1, -1) for t in (1, -1)]
    assert all(-1e-15 <= part <= 1 + 1e-15 for part in parts)
    assert sum(parts) == pytest.approx(1.0, abs=1e-12)
    assert upper_orthant(a, b, rho) == pytest.approx(upper_orthant(b, a, rho), abs=1e-12)


@pytest.mark.parametrize(("rho", "expected"), [(1.0, stats.norm.sf(0.8)), (-1.0, 0.0)])
def test_perfect_coupling_is_one_noise(rho, expected):
    assert upper_orthant(np.array(0.3), np.array(0.8), rho) == pytest.approx(expected)
    near = upper_orthant(np.array(0.3), np.array(0.8), rho * (1 - 1e-9))
    assert near == pytest.approx(expected, abs=1e-4)


def test_a_joint_mass_is_one_of_its_marginals_where_the_other_is_free():
    click, low, high = np.array(0.4), np.array(-1.0), np.array(0.9)
    everything = joint_mass(np.array(-np.inf), low, high, 0.6)
    assert everything == pytest.approx(mass(low, high), rel=1e-12)
    any_opinion = joint_mass(click, np.array(-np.inf), np.array(np.inf), 0.6)
    assert any_opinion == pytest.approx(stats.logistic.sf(0.4), rel=1e-12)
    assert joint_mass(click, low, high, 0.0) == pytest.approx(mass(low, high) * stats.logistic.sf(0.4))
