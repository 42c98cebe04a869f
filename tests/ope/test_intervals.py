import numpy as np
import pytest

from recenv.ope import BanditTerms, estimate, interval, interval_names


def ips(terms, **changes):
    return estimate("ips", terms(**changes))


def test_the_names():
    assert interval_names() == (
        "bootstrap",
        "bca",
        "student",
        "hoeffding",
        "empirical_bernstein",
        "confidence_sequence",
        "empirical_likelihood",
    )


def test_student_uses_the_quantile_of_its_clusters(terms):
    result = ips(terms)
    low, high = interval(result, "student")
    assert high - result.value == pytest.approx(3.182446305284263 * result.std_error)  # t(3) at 0.975
    assert result.value - low == pytest.approx(high - result.value)
    low, high = interval(ips(terms, cluster=[0, 0, 1, 1]), "student")
    assert high - 1.25 == pytest.approx(12.706204736432095)  # t(1) at 0.975, standard error 1


def test_hoeffding_reckoned_by_hand(terms):
    low, high = interval(ips(terms, reward_range=(0, 2), weight_max=3), "hoeffding")
    assert high - 1.25 == pytest.approx(6 * np.sqrt(np.log(40) / 8))
    assert low == pytest.approx(1.25 - 6 * np.sqrt(np.log(40) / 8))


def test_empirical_bernstein_reckoned_by_hand(terms):
    _, high = interval(ips(terms, reward_range=(0, 2), weight_max=3), "empirical_bernstein")
    log = np.log(80)
    assert high - 1.25 == pytest.approx(np.sqrt(2 * 10.25 / 3 * log / 4) + 7 * 6 * log / 9)


def test_hoeffding_of_equal_clusters_is_that_of_their_means(terms):
    _, high = interval(ips(terms, reward_range=(0, 2), weight_max=3, cluster=[0, 0, 1, 1]), "hoeffding")
    assert high - 1.25 == pytest.approx(6 * np.sqrt(np.log(40) / 4))


def test_bounds_of_dr_allow_for_the_model(terms):
    result = estimate("dr", terms(reward_range=(0, 2), weight_max=3))
    assert result.contribution.support == (-6, 8)
    outside = estimate("dr", terms(reward_range=(0, 2), weight_max=3, q_target=[3.0, 0, 0, 0]))
    with pytest.raises(ValueError, match="a reward model within that range"):
        interval(outside, "hoeffding")


@pytest.mark.parametrize("method", ["hoeffding", "empirical_bernstein", "confidence_sequence"])
def test_bounds_are_refused_without_a_known_range_or_for_ratios(terms, method):
    with pytest.raises(ValueError, match="reward_range= and weight_max="):
        interval(ips(terms), method)
    with pytest.raises(ValueError, match="does not apply to snips"):
        interval(estimate("snips", terms(reward_range=(0, 2), weight_max=3)), method)


@pytest.mark.parametrize("method", ["bootstrap", "bca", "student"])
def test_no_overlap_leaves_everything_possible(terms, method):
    assert interval(ips(terms, target=np.zeros(4)), method) == (-np.inf, np.inf)


def test_misuse_is_refused(terms):
    with pytest.raises(ValueError, match="there is no interval 'wald'"):
        interval(ips(terms), "wald")
    with pytest.raises(ValueError, match="confidence must be between 0 and 1, not 95"):
        interval(ips(terms), confidence=95)
    with pytest.raises(ValueError, match="at least two clusters"):
        interval(ips(terms, cluster=[1, 1, 1, 1]), "bootstrap")
    assert interval(ips(terms, cluster=[1, 1, 1, 1]), "student") == (-np.inf, np.inf)


def test_the_bootstrap_recomputes_the_denominator(rng):
    """All rewards are 1, so a self-normalised estimate is 1 in every resample; with a fixed denominator it is not."""
    weight = rng.uniform(0, 2, 200)
    terms = BanditTerms(np.ones(200), np.full(200, 0.5), weight / 2)
    assert interval(estimate("snips", terms), "bootstrap") == pytest.approx((1.0, 1.0))
    low, high = interval(estimate("ips", terms), "bootstrap")
    assert high - low > 0.1


def test_the_bootstrap_agrees_with_student_on_well_behaved_terms(rng):
    reward = rng.normal(size=2_000)
    cluster = rng.integers(400, size=2_000)
    terms = BanditTerms(reward + (cluster % 7), np.ones(2_000), np.ones(2_000), cluster=cluster)
    result = estimate("ips", terms)
    student, resampled = interval(result, "student"), interval(result, "bootstrap", seed=1)
    assert np.subtract(*resampled) == pytest.approx(np.subtract(*student), rel=0.1)
    assert interval(result, "bootstrap", seed=1) == resampled
    assert interval(result, "bootstrap", seed=2) != resampled
