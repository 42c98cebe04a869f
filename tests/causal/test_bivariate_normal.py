import numpy as np
import pytest
from scipy import stats

from recenv.causal.bivariate_normal import normal_rectangle


@pytest.mark.parametrize(("correlation", "error"), [(0.0, 1e-12), (0.3, 1e-9), (-0.8, 1e-9), (0.95, 1e-6)])
def test_rectangles_have_the_probability_that_scipy_integrates(correlation, error):
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(2, 30)), rng.exponential(size=(2, 30))
    law = stats.multivariate_normal(cov=[[1.0, correlation], [correlation, 1.0]], abseps=1e-12, releps=1e-12)
    expected = [law.cdf(high, lower_limit=low) for low, high in zip(a.T, (a + b).T, strict=True)]
    np.testing.assert_allclose(normal_rectangle(tuple(a), tuple(a + b), correlation), expected, atol=max(error, 2e-8))


def test_known_quadrants():
    zero, infinite = np.zeros(1), np.full(1, np.inf)
    for correlation in (-0.9, 0.0, 0.5):
        expected = 0.25 + np.arcsin(correlation) / (2 * np.pi)  # Sheppard's formula
        np.testing.assert_allclose(
            normal_rectangle((zero, zero), (infinite, infinite), correlation), expected, atol=1e-7
        )


def test_an_open_rectangle_is_the_margin():
    low, high, infinite = np.array([-0.3]), np.array([1.1]), np.full(1, np.inf)
    margin = stats.norm.cdf(1.1) - stats.norm.cdf(-0.3)
    np.testing.assert_allclose(normal_rectangle((low, -infinite), (high, infinite), 0.7), margin, rtol=1e-12)
