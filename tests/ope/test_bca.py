import numpy as np
import pytest
from scipy.stats import bootstrap as reference

from recenv.ope import BanditTerms, estimate
from recenv.ope.bca import acceleration, bca
from recenv.ope.bootstrap import bootstrap, group_sums


def test_it_is_the_interval_of_an_independent_implementation(rng):
    """A skewed mean: scipy's BCa of the same data, up to the noise of the resample."""
    reward = rng.lognormal(0, 1, 200)
    result = estimate("ips", BanditTerms(reward, np.ones(200), np.ones(200)))
    mine = bca(result, confidence=0.9, replicates=20_000)
    theirs = reference((reward,), np.mean, confidence_level=0.9, method="BCa", n_resamples=20_000, rng=1)
    assert mine == pytest.approx(tuple(theirs.confidence_interval), rel=0.01)
    assert mine[1] > bootstrap(result, confidence=0.9, replicates=20_000)[1]  # skewness moves it up


def test_acceleration_of_a_mean_is_a_sixth_of_its_skewness(rng):
    reward = rng.exponential(1, 500)
    result = estimate("ips", BanditTerms(reward, np.ones(500), np.ones(500)))
    deviation = reward - reward.mean()
    by_hand = np.sum(deviation**3) / (6 * np.sum(deviation**2) ** 1.5)
    sums = group_sums(result, result.codes, result.clusters)
    assert acceleration(sums, np.ones(500)) == pytest.approx(by_hand)


def test_a_ratio_recomputes_its_denominator(rng):
    weight = rng.uniform(0, 2, 200)
    result = estimate("snips", BanditTerms(np.ones(200), np.full(200, 0.5), weight / 2))
    assert bca(result, confidence=0.95) == pytest.approx((1.0, 1.0))


def test_no_overlap_leaves_everything_possible():
    empty = estimate("ips", BanditTerms(np.ones(20), np.ones(20), np.zeros(20)))
    assert bca(empty, confidence=0.95) == (-np.inf, np.inf)
