import numpy as np
import pytest

from recenv.causal.factors import Factors
from recenv.causal.link import Scored, binned, fit_link, linked, log_loss, most_likely

TAU = np.array([-2.0, 0.0, 1.5])


def ratings(utility, seed=0):
    x = utility + np.random.default_rng(seed).logistic(size=len(utility))
    return Scored(utility, 1 + (x[:, None] > TAU).sum(1), np.ones(len(utility)))


def utilities(n, seed=1):
    return np.random.default_rng(seed).normal(0.0, 1.5, n)


def test_slope_and_thresholds_are_recovered_on_any_scale():
    made = ratings(utilities(40_000))
    link = most_likely(made._replace(utility=5.0 + 0.1 * made.utility), 4)
    assert link.slope == pytest.approx(10.0, rel=0.03)
    np.testing.assert_allclose(link.thresholds - 5.0 * link.slope, TAU, atol=0.06)
    np.testing.assert_allclose(np.diff(link.thresholds), np.diff(TAU), rtol=0.04)


def test_the_maximum_is_a_maximum():
    made = ratings(utilities(3000))
    link = most_likely(made, 4)
    least = log_loss(made, link)
    for change in (0.97, 1.03):
        assert log_loss(made, link._replace(slope=change * link.slope)) > least
        assert log_loss(made, link._replace(thresholds=change * link.thresholds)) > least


def test_overconfidence_is_taken_back():
    """The model has learned the noise of its training ratings: there its utility explains more than elsewhere."""
    signal, noise = utilities(20_000), np.random.default_rng(3).normal(0, 1.5, 20_000)
    train = ratings(signal + noise)
    truth = ratings(signal, seed=4)
    held = truth._replace(utility=signal + np.random.default_rng(5).normal(0, 1.5, 20_000))
    link = fit_link(train, held, 4)
    assert most_likely(train, 4).slope == pytest.approx(1.0, rel=0.05)
    assert link.slope < 0.6
    assert link.rows == 20_000
    assert log_loss(held, link) < log_loss(held, most_likely(train, 4)) - 0.05


def test_too_few_unseen_ratings_are_not_listened_to():
    train = ratings(utilities(2000))
    held = Scored(np.array([3.0, -3.0]), np.array([1, 4]), np.ones(2))
    link = fit_link(train, held, 4)
    assert link.rows == 0
    assert link.slope == pytest.approx(1.0, rel=0.15)


def test_a_utility_that_says_the_opposite_gets_slope_0_and_the_shares():
    made = ratings(utilities(5000))
    link = fit_link(made._replace(utility=-made.utility), made._replace(utility=-made.utility), 4)
    assert link.slope == pytest.approx(0.0, abs=1e-6)
    share = np.cumsum(np.bincount(made.level - 1) / 5000)[:-1]
    np.testing.assert_allclose(1 / (1 + np.exp(-link.thresholds)), share, atol=0.01)


def test_a_level_that_nobody_gave_keeps_a_probability():
    made = ratings(utilities(500))
    gone = made._replace(level=np.where(made.level == 2, 3, made.level))
    gaps = np.diff(most_likely(gone, 4).thresholds)
    assert (gaps > 0).all()


def test_bins_change_nothing_that_matters():
    made = ratings(utilities(30_000))
    few = binned(made)
    assert len(few.level) < 5000
    assert few.weight.sum() == 30_000
    a, b = most_likely(made, 4), most_likely(few, 4)
    assert a.slope == pytest.approx(b.slope, rel=1e-3)
    np.testing.assert_allclose(a.thresholds, b.thresholds, atol=2e-3)


def test_linked_factors_have_the_utility_times_the_slope():
    rng = np.random.default_rng(0)
    factors = Factors(rng.normal(size=(5, 2)), rng.normal(size=(4, 2)), rng.normal(size=5), rng.normal(size=4))
    link = most_likely(ratings(utilities(500)), 4)._replace(slope=2.5)
    users, items = np.indices((5, 4)).reshape(2, -1)
    found = linked(factors, link)
    np.testing.assert_allclose(found.utility(users, items), 2.5 * factors.utility(users, items))


@pytest.mark.parametrize("value", [0.0, -1e5, 1e12])
def test_one_utility_of_any_size_is_one_bin_a_level(value):
    few = binned(Scored(np.full(6, value), np.array([1, 1, 3, 3, 3, 2]), np.arange(6.0)))
    np.testing.assert_array_equal(few.level, [1, 2, 3])
    np.testing.assert_array_equal(few.weight, [1.0, 5.0, 9.0])
    np.testing.assert_allclose(few.utility, value, rtol=1e-9)
