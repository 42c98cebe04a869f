"""Estimates against values that are known exactly, over many logs drawn from the same bandit."""

import numpy as np
import pytest

from recenv.ope import BanditTerms, estimate, interval

from .bandit import CHANCE, LOGGING, TARGET, VALUE, draw

REPETITIONS, ROWS = 600, 400
MODEL = np.clip(CHANCE + np.array([0.1, -0.1, 0.05, 0.0]), 0, 1)  # a reward model that is wrong


def terms_of(context, item, reward, model=MODEL, **changes):
    return BanditTerms(
        reward=reward,
        propensity=LOGGING[context, item],
        target=TARGET[context, item],
        q_logged=model[context, item],
        q_target=(TARGET * model).sum(axis=1)[context],
        **changes,
    )


@pytest.fixture(scope="module")
def logs():
    rng = np.random.default_rng(5)
    return [terms_of(*draw(rng, ROWS), reward_range=(0.0, 1.0), weight_max=4.0) for _ in range(REPETITIONS)]


def z_score(logs, name, **hyper):
    values = np.array([estimate(name, terms, **hyper).value for terms in logs])
    return (values.mean() - VALUE) / (values.std(ddof=1) / np.sqrt(len(values)))


@pytest.mark.parametrize("name", ["ips", "dr", "snips", "sndr"])
def test_estimates_centre_on_the_true_value(logs, name):
    assert abs(z_score(logs, name)) < 4


@pytest.mark.parametrize(
    ("name", "hyper"), [("dm", {}), ("clipped_ips", {"clip": 1.0}), ("switch_dr", {"threshold": 1.0})]
)
def test_the_same_test_sees_a_bias(logs, name, hyper):
    """The wrong model and the clipped weights are biased, so the test above could have failed."""
    assert abs(z_score(logs, name, **hyper)) > 4


def test_standard_errors_are_the_spread_over_logs(logs):
    for name in ("ips", "snips", "dr", "sndr"):
        results = [estimate(name, terms) for terms in logs]
        spread = np.std([result.value for result in results], ddof=1)
        assert np.mean([result.std_error for result in results]) == pytest.approx(spread, rel=0.1)


def covered(results, method, **options):
    limits = [interval(result, method, **options) for result in results]
    return np.mean([low <= VALUE <= high for low, high in limits])


@pytest.mark.parametrize("name", ["ips", "snips", "dr", "sndr"])
def test_student_intervals_cover_as_often_as_they_claim(logs, name):
    results = [estimate(name, terms) for terms in logs]
    assert 0.92 < covered(results, "student") < 0.98
    assert 0.75 < covered(results, "student", confidence=0.8) < 0.85


@pytest.mark.parametrize("name", ["snips", "dr"])
def test_bootstrap_intervals_cover_as_often_as_they_claim(logs, name):
    results = [estimate(name, terms) for terms in logs[:300]]
    assert 0.91 < covered(results, "bootstrap", replicates=300) < 0.98


def test_the_direct_method_alone_does_not_cover(logs):
    assert covered([estimate("dm", terms) for terms in logs], "student") < 0.5


@pytest.mark.parametrize("method", ["hoeffding", "empirical_bernstein"])
def test_bounds_cover_always_and_pay_by_width(logs, method):
    for name in ("ips", "dr"):
        results = [estimate(name, terms) for terms in logs[:200]]
        assert covered(results, method) >= 0.95
        low, high = interval(results[0], method)
        student = interval(results[0], "student")
        assert high - low > student[1] - student[0]


def test_an_exact_model_makes_dr_sharper_than_ips(rng):
    drawn = draw(rng, 2_000)
    exact = terms_of(*drawn, model=CHANCE)
    assert estimate("dr", exact).std_error < 0.9 * estimate("ips", exact).std_error


def test_rows_of_one_user_are_not_independent(rng):
    """Users share a level: intervals by user cover, intervals by row do not."""
    hits = {True: 0, False: 0}
    for _ in range(300):
        user = np.repeat(np.arange(40), 10)
        reward = rng.normal(size=40)[user] + 0.3 * rng.normal(size=400)
        for by_user in hits:
            terms = BanditTerms(reward, np.ones(400), np.ones(400), cluster=user if by_user else None)
            low, high = interval(estimate("ips", terms), "student")
            hits[by_user] += low <= 0 <= high
    assert 0.91 < hits[True] / 300 < 0.985
    assert hits[False] / 300 < 0.7
