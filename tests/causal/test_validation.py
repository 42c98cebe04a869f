import dataclasses
import json

import numpy as np
import pytest

from recenv.causal import World
from recenv.causal.validation import ValidationCard, validate
from recenv.causal.validation.bias_only import _loss, fit_bias_only
from recenv.causal.validation.bootstrap import UserBootstrap
from recenv.causal.validation.calibration import expected_error
from recenv.causal.validation.real_or_simulated import _auc
from recenv.causal.validation.residuals import correlation, group_share, p_value, user_share
from recenv.data import RatingsLog


@pytest.fixture(scope="module")
def right():
    """A world that made its own log."""
    return World.synthetic(5, users=300, items=120, dims=3, topics=4)


@pytest.fixture(scope="module")
def card(right):
    return validate(right)


def covers(card, key, value):
    low, high = card["intervals"][key]
    return low <= value <= high


def test_a_world_that_made_its_log_passes_every_check(card):
    assert covers(card, "pit_mean", 0.5)
    assert covers(card, "pit_spread", 1.0)
    assert card["pit_ks_distance"] < 0.03
    assert abs(card["classifier_auc"] - 0.5) < 0.08
    assert card["intervals"]["log_score_gain_over_bias_only"][0] > 0
    for test in card["residuals"].values():
        assert test["p"] is None or test["p"] > 1e-3
    assert max(card["error_by_level"]) < 0.05


def test_a_world_without_taste_is_found_out(right):
    flat = dataclasses.replace(right, taste=np.zeros_like(right.taste))
    card = validate(flat)
    assert card["intervals"]["classifier_auc"][0] > 0.5
    assert card["intervals"]["log_score_gain_over_bias_only"][1] < validate(right)["log_score_gain_over_bias_only"]


def test_a_world_without_biases_leaves_users_and_items_in_its_residuals(right):
    card = validate(dataclasses.replace(right, user_bias=0 * right.user_bias, item_bias=0 * right.item_bias))
    for name in ("user", "item"):
        assert card["residuals"][name]["low"] > 0.01
        assert card["residuals"][name]["p"] < 0.01


def test_a_world_that_is_too_sure_has_a_wide_pit(right):
    sure = dataclasses.replace(
        right, taste=3 * right.taste, user_bias=3 * right.user_bias, item_bias=3 * right.item_bias,
        thresholds=3 * right.thresholds,
    )  # fmt: skip
    assert validate(sure)["intervals"]["pit_spread"][0] > 1.1


def test_the_card_is_plain_json_and_prints(card):
    assert json.loads(json.dumps(card, allow_nan=False)) == card
    text = str(card)
    assert "error of the rating (RMSE)" in text
    assert f"{card['rmse']:.3f} [" in text
    assert "No log can check:" in text
    assert str(ValidationCard({"source": "nothing"})) == "nothing"


def test_the_same_world_gives_the_same_card(right, card):
    assert validate(right) == card


def test_more_rows_than_the_limit_are_drawn_with_a_fixed_seed(right):
    from recenv.causal.validation import predicted

    rows = predicted.predict(right, right.pairs, most=500)
    assert len(rows.user) == 500
    again = predicted.predict(right, right.pairs, most=500)
    assert all(np.array_equal(a, b) for a, b in zip(rows, again, strict=True))


def test_randomised_exposure_tells_pairs_that_the_fit_has_seen(right):
    first = right.pairs.part == 0
    seen, fresh = np.flatnonzero(first)[:40], np.flatnonzero(~first)[:60]
    rows = np.concatenate([seen, fresh])
    log = RatingsLog(
        name="random",
        user=right.pairs.user[rows],
        item=right.pairs.item[rows],
        rating=right.scale[right.pairs.level[rows] - 1],
        user_ids=right.user_ids,
        item_ids=right.item_ids,
        levels=right.scale,
    )
    found = validate(right, randomised=log)["randomised_exposure"]
    assert (found["ratings"], found["seen_by_the_fit"], found["unknown_pairs"]) == (100, 40, 0)
    user, item = right.pairs.user[rows], right.pairs.item[rows]
    squares = (log.rating - right.expected_rating(user, item)) ** 2
    assert found["all"]["mse"]["value"] == pytest.approx(squares.mean())
    assert found["clean"]["mse"]["value"] == pytest.approx(squares[40:].mean())
    stranger = dataclasses.replace(log, user_ids=np.array([f"x{name}" for name in right.user_ids]))
    with pytest.raises(ValueError, match="none of the 100 randomised ratings"):
        validate(right, randomised=stranger)
    with pytest.raises(ValueError, match=r"randomised rating 7 is not one of"):
        validate(right, randomised=dataclasses.replace(log, rating=np.full(100, 7.0), levels=np.array([6.0, 7.0])))


def test_the_gradient_of_the_bias_only_model_is_right():
    from scipy.optimize import check_grad

    rng = np.random.default_rng(0)
    user, item, level = rng.integers(4, size=60), rng.integers(5, size=60), rng.integers(1, 5, size=60)
    at = rng.normal(0, 0.3, 4 + 5 + 3)
    rest = (user, item, level, (4, 5, 4), 1.5)
    assert check_grad(lambda x: _loss(x, *rest)[0], lambda x: _loss(x, *rest)[1], at) < 1e-4


def test_the_bias_only_model_recovers_biases():
    rng = np.random.default_rng(1)
    bu, bi = rng.normal(size=40), rng.normal(size=40)
    user, item = (one.ravel() for one in np.meshgrid(np.arange(40), np.arange(40)))
    x = bu[user] + bi[item] + rng.logistic(size=1600)
    found = fit_bias_only(user, item, 1 + (x > -1).astype(int) + (x > 1), (40, 40, 3))
    assert np.corrcoef(found.user, bu)[0, 1] > 0.9
    assert np.all(np.diff(found.thresholds) > 0)


def test_the_bias_only_model_is_at_its_maximum_with_one_user_of_a_few_ratings_and_another_of_thousands():
    rng = np.random.default_rng(3)
    user, item = np.minimum(rng.geometric(0.02, 20_000), 300) - 1, np.minimum(rng.geometric(0.05, 20_000), 100) - 1
    x = rng.normal(size=300)[user] + rng.normal(size=100)[item] + rng.logistic(size=20_000)
    level = 1 + np.searchsorted([-3.0, -1.0, 1.0, 2.0], x)
    found = fit_bias_only(user, item, level, (300, 100, 5))
    gaps = np.log(np.diff(found.thresholds))
    at = np.concatenate([found.user, found.item, found.thresholds[:1], gaps])
    gradient = _loss(at, user, item, level, (300, 100, 5), 1.5)[1]
    count = np.concatenate([np.bincount(user, minlength=300), np.bincount(item, minlength=100), np.full(4, 20_000)])
    assert (gradient**2 / (1.5 + 0.25 * count)).sum() / 2 < 0.02  # nats of the whole log, of a quadratic


def test_shares_of_variance_are_those_that_were_put_in():
    rng = np.random.default_rng(2)
    user, item = (one.ravel() for one in np.meshgrid(np.arange(300), np.arange(30)))
    noise = rng.normal(size=9000)
    by_user, by_item = rng.normal(size=300)[user], rng.normal(size=30)[item]
    draws = UserBootstrap.of(user, seed=0)
    assert user_share(by_user * 0.5 + noise, draws)[0].value == pytest.approx(0.2, abs=0.04)
    assert group_share(by_item * 0.5 + noise, item, draws)[0].value == pytest.approx(0.2, abs=0.08)
    for share, _ in (user_share(noise, draws), group_share(noise, item, draws)):
        assert share.low < 0.002
        assert abs(share.value) < 0.01
    assert correlation(noise, noise, draws)[0].value == pytest.approx(1.0)


def test_intervals_by_user_cover_as_often_as_they_claim():
    covered = 0
    for seed in range(200):
        rng = np.random.default_rng([seed, 9])
        user = np.repeat(np.arange(60), 10)
        values = rng.normal(size=60)[user] + rng.normal(size=600)
        estimate = UserBootstrap.of(user, seed=seed).mean(values)
        covered += estimate.low <= 0.0 <= estimate.high
    assert 0.88 <= covered / 200 <= 0.99


def test_literal_values():
    assert p_value(1.959964, 1.0) == pytest.approx(0.05, abs=1e-6)
    assert expected_error(np.array([0.5, 0.5]), np.array([True, True])) == pytest.approx(0.5)
    assert _auc(np.array([3.0, 1.0, 2.0, 1.0]), np.ones(4)) == pytest.approx(0.625)
    one = UserBootstrap.of(np.zeros(3, int), seed=0).mean(np.array([1.0, 2.0, 3.0]))
    assert one.value == 2.0
    assert one.plain()["low"] is None


def test_a_folder_is_no_world_to_validate(tmp_path):
    with pytest.raises(TypeError, match=r"world must be a World, got .*World.load\(folder\) reads a saved one"):
        validate(str(tmp_path))
