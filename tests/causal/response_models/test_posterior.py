import numpy as np
import pytest

from recenv.causal import World
from recenv.causal.ordinal import level_probabilities
from recenv.causal.response_models import posterior
from recenv.causal.response_models.posterior import Posterior, Prior, Side, drawn, precisions, slopes, split
from recenv.protocol import Ratings
from tests.causal.response_models.response_data import few_ratings, response_data

TAU = np.array([-2.0, -0.5, 1.0])


def sampled(data, seed=0, **options):
    model = Posterior(**{"dims": 3, "sweeps": 30} | options)
    model.fit(data, rng=np.random.default_rng(seed))
    return model


@pytest.fixture(scope="module")
def draws(made):
    return [sampled(response_data(made[0]), seed) for seed in range(6)]


def utilities(model, shape):
    user, item = np.indices(shape).reshape(2, -1)
    found = model.utility(user, item)
    return found - found.mean()


def test_the_slope_is_the_derivative_of_the_log_likelihood():
    x = np.array([-3.0, -0.4, 0.2, 2.5])
    level = np.array([1, 3, 2, 4])
    log = [np.log(level_probabilities(x + h, TAU)[np.arange(4), level - 1]) for h in (1e-5, -1e-5)]
    np.testing.assert_allclose(slopes(x, level, TAU).slope, (log[0] - log[1]) / 2e-5, rtol=1e-6)


def test_the_curvature_is_the_mean_squared_slope_over_the_levels():
    x = np.array([0.3])
    by_level = [slopes(x, np.array([level]), TAU).slope[0] for level in range(1, 5)]
    expected = level_probabilities(x, TAU)[0] @ np.square(by_level)
    np.testing.assert_allclose(slopes(x, np.array([1]), TAU).information, [expected])


def test_a_logistic_response_has_information_p_times_one_minus_p():
    p = 1 / (1 + np.exp(-0.7))
    found = slopes(np.array([0.7]), np.array([2]), np.zeros(1))
    np.testing.assert_allclose([part[0] for part in found], [np.log(p), 1 - p, p * (1 - p)])


def test_who_rated_nothing_is_drawn_from_the_prior():
    nothing = Ratings(*(np.zeros(0, int) for _ in range(3)), np.zeros(0), np.zeros(0, int))
    side = Side.of(nothing.user, nothing.item, nothing)
    precision = np.array([4.0, 4.0, 0.25])
    found = drawn(
        side, np.ones((20_000, 3)), np.zeros((5, 3)), Prior(np.zeros(3), precision), TAU, np.random.default_rng(0)
    )
    np.testing.assert_allclose(found.mean(0), 0.0, atol=0.05)
    np.testing.assert_allclose(found.std(0), precision**-0.5, rtol=0.03)


def test_many_ratings_draw_a_bias_about_its_most_likely_value_with_the_spread_of_their_information():
    rng, n, bias = np.random.default_rng(1), 400, 0.8
    level = 1 + (bias + rng.logistic(size=n) > 0)
    side = Side(np.zeros(n, int), np.arange(n), level, np.ones(n))
    own, found = np.zeros((1, 1)), []
    for _ in range(500):
        own = drawn(side, own, np.zeros((n, 1)), Prior(np.zeros(1), np.array([1e-9])), np.zeros(1), rng)
        found.append(own[0, 0])
    share = (level == 2).mean()
    assert np.mean(found[20:]) == pytest.approx(np.log(share / (1 - share)), abs=0.03)
    assert np.std(found[20:]) == pytest.approx((n * share * (1 - share)) ** -0.5, rel=0.15)


def test_few_extreme_ratings_draw_a_bias_from_its_posterior_and_not_from_a_normal_near_it():
    rng, n, precision = np.random.default_rng(4), 4_000, 0.2
    level = np.tile([4, 4, 4], n)
    side = Side(np.repeat(np.arange(n), 3), np.arange(3 * n), level, np.ones(3 * n))
    own = np.zeros((n, 1))
    for _ in range(30):
        own = drawn(side, own, np.zeros((3 * n, 1)), Prior(np.zeros(1), np.array([precision])), TAU, rng)
    bias = np.linspace(-10, 20, 3001)
    density = level_probabilities(bias, TAU)[:, 3] ** 3 * np.exp(-0.5 * precision * bias**2)
    density /= density.sum()
    mean = density @ bias
    assert own.mean() == pytest.approx(mean, abs=0.1)
    assert own.std() == pytest.approx(np.sqrt(density @ (bias - mean) ** 2), rel=0.04)


def test_the_centre_is_drawn_about_the_mean_of_its_values():
    values, rng = np.tile([3.0, -1.0, 0.7], (9, 1)), np.random.default_rng(5)
    prior = Prior(np.zeros(3), np.array([4.0, 1.0, 1.0]))
    found = np.array([prior.recentred(values, rng) for _ in range(4_000)])
    np.testing.assert_allclose(found.mean(0), [2.7, -0.9, 0.0], atol=0.02)  # nine values and the prior's own 0
    np.testing.assert_allclose(found.std(0), [40**-0.5, 10**-0.5, 0.0], rtol=0.05)


def test_what_a_split_takes_from_the_biases_it_gives_to_the_others_factors():
    rng = np.random.default_rng(6)
    own, other = rng.normal(size=(30, 3)), rng.normal(size=(20, 3))
    moved, shift = split(own, 2.0, Prior(np.zeros(3), np.ones(3)), rng)
    assert np.abs(shift[:2]).max() > 0.01
    np.testing.assert_array_equal(moved[:, :2], own[:, :2])
    before, after = (a[:, :2] @ b[:, :2].T + a[:, 2:] + b[:, 2] for a, b in ((own, other), (moved, other + shift)))
    np.testing.assert_allclose(before, after)


def test_a_split_leaves_biases_that_do_not_depend_on_the_factors():
    rng = np.random.default_rng(7)
    factors, bias = rng.normal(size=(2_000, 2)), 0.5 * rng.normal(size=2_000)
    own = np.column_stack([factors, bias + factors @ [0.6, -0.4]])
    moved, shift = split(own, 4.0, Prior(np.zeros(3), np.ones(3)), rng)
    np.testing.assert_allclose(shift, [0.6, -0.4, 0.0], atol=0.05)
    assert np.abs(np.corrcoef(moved.T)[2, :2]).max() < 0.1


def test_a_split_is_drawn_with_the_precision_of_both_priors():
    own, rng = np.array([[2.0, 3.0]]), np.random.default_rng(8)
    prior = Prior(np.array([0.5, 0.0]), np.array([1.5, 1.0]))
    found = np.array([split(own, 0.25, prior, rng)[1][0] for _ in range(8_000)])
    information = 0.25 * 2.0**2 + 1.5  # -log p(c) = (3 - 2c)^2 / 8 + 0.75 (0.5 + c)^2
    assert found.mean() == pytest.approx((0.25 * 2.0 * 3.0 - 1.5 * 0.5) / information, abs=0.03)
    assert found.std() == pytest.approx(information**-0.5, rel=0.03)


def test_precisions_are_those_of_the_values():
    values = np.random.default_rng(2).normal(0, [0.5, 2.0], (50_000, 2))
    np.testing.assert_allclose(precisions(values, np.random.default_rng(3)), [4.0, 0.25], rtol=0.05)


def test_blocks_of_rows_change_nothing(made, monkeypatch):
    data = response_data(made[0])
    whole = sampled(data, sweeps=2).factors()
    monkeypatch.setattr(posterior, "BLOCK", 50)
    for a, b in zip(whole, sampled(data, sweeps=2).factors(), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-6, atol=1e-9)


def test_intervals_of_the_draws_cover_the_utilities_as_often_as_they_claim(made, draws):
    true = made[1] - made[1].mean()
    found = np.array([utilities(model, true.shape) for model in draws])
    reach = 2.015 * found.std(0, ddof=1) * np.sqrt(1 + 1 / len(draws))  # 90%, Student's t with 5 degrees of freedom
    assert 0.82 < (np.abs(found.mean(0) - true.ravel()) < reach).mean() < 0.96


def test_a_draw_has_as_much_taste_as_the_truth_and_the_mean_predicts_better(made, draws):
    true = (made[1] - made[1].mean()).ravel()
    found = np.array([utilities(model, made[1].shape) for model in draws])
    assert found.std(1).mean() == pytest.approx(true.std(), rel=0.15)
    one = np.mean([np.corrcoef(each, true)[0, 1] for each in found])
    assert np.corrcoef(found.mean(0), true)[0, 1] > one + 0.02


def test_an_ensemble_takes_utilities_and_thresholds_as_they_were_drawn(made, draws):
    worlds = World.ensemble(
        made[0], members=2, response="posterior", response_options={"dims": 3, "sweeps": 5}, bootstrap=False
    )
    assert np.abs(worlds[0].user_bias - worlds[1].user_bias).max() > 0.1
    assert worlds[0].card["response"]["link_slope"] == 1.0


def test_users_and_items_without_ratings_get_finite_utilities():
    model = sampled(few_ratings(), sweeps=5)
    assert np.isfinite(model.utility(np.array([2, 4]), np.array([4, 5]))).all()


def test_it_is_the_same_for_the_same_generator(made):
    data = response_data(made[0])
    for a, b in zip(sampled(data, 4, sweeps=2).factors(), sampled(data, 4, sweeps=2).factors(), strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("name", ["dims", "sweeps"])
def test_less_than_one_is_refused(name):
    with pytest.raises(ValueError, match=f"{name} must be at least 1, got 0"):
        Posterior(**{name: 0})


def test_before_the_fit_there_is_nothing():
    with pytest.raises(RuntimeError, match="call fit first"):
        Posterior().utility(np.array([0]), np.array([0]))
