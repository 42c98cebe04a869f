import math

import numpy as np
import pytest
from scipy import stats

from recenv.causal.equations.opinion import click_noise, logistic_from_normal, normal_from_logistic, opinion_noise

GRID = (np.arange(4000) + 0.5) / 4000


def test_an_opinion_is_the_logistic_quantile_of_its_own_number(dials):
    assert opinion_noise(0.75, 0.1, dials()) == pytest.approx(math.log(3.0))


def test_a_shared_factor_enters_through_the_copula(dials):
    z = math.sqrt(0.64) * stats.norm.ppf(0.8) + math.sqrt(0.36) * stats.norm.ppf(0.3)
    expected = stats.logistic.ppf(stats.norm.cdf(z))
    assert opinion_noise(0.8, 0.3, dials(noise_correlation=0.36)) == pytest.approx(expected, rel=1e-12)


def test_opinions_of_a_user_correlate_by_the_dial_and_stay_logistic(dials):
    rng, d = np.random.default_rng(1), dials(noise_correlation=0.5)
    pairs = np.array([[opinion_noise(a, s, d), opinion_noise(b, s, d)] for a, b, s in rng.random((6000, 3))])
    assert stats.kstest(pairs[:, 0], "logistic").pvalue > 0.01
    scores = stats.norm.ppf(stats.logistic.cdf(pairs))
    assert np.corrcoef(scores.T)[0, 1] == pytest.approx(0.5, abs=0.04)


@pytest.mark.parametrize("rho", [-0.8, 0.3, 0.9])
def test_click_noise_has_logistic_marginals_and_the_coupling_as_correlation(dials, rho):
    rng, d = np.random.default_rng(2), dials(coupling=rho)
    e_rate = rng.logistic(size=6000)
    e_click = np.array([click_noise(u, e, d) for u, e in zip(rng.random(6000), e_rate, strict=True)])
    assert stats.kstest(e_click, "logistic").pvalue > 0.01
    scores = stats.norm.ppf(stats.logistic.cdf(np.stack([e_rate, e_click])))
    assert np.corrcoef(scores)[0, 1] == pytest.approx(rho, abs=0.04)


def test_click_noise_ignores_the_opinion_without_coupling(dials):
    assert click_noise(0.75, -3.0, dials()) == click_noise(0.75, 8.0, dials()) == pytest.approx(math.log(3.0))


@pytest.mark.parametrize("rho", [1.0, -1.0])
def test_full_coupling_makes_click_noise_a_function_of_the_opinion(dials, rho):
    for e in (-30.0, -2.0, 0.0, 0.7, 25.0):
        assert click_noise(0.123, e, dials(coupling=rho)) == pytest.approx(rho * e, abs=1e-9)


def test_the_maps_between_the_marginals_are_inverse_far_into_the_tails():
    for z in (-12.0, -3.0, -1e-3, 0.0, 0.5, 5.0, 12.0):
        assert normal_from_logistic(logistic_from_normal(z)) == pytest.approx(z, abs=1e-9)


def test_the_maps_agree_with_quantiles():
    mapped = [logistic_from_normal(z) for z in stats.norm.ppf(GRID)]
    np.testing.assert_allclose(mapped, stats.logistic.ppf(GRID), rtol=1e-9, atol=1e-12)
