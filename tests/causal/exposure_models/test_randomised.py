import numpy as np
import pytest

from recenv.causal.exposure_models.randomised import RatedPairs, fit_randomised

USERS, ITEMS = 800, 60
SCALE = np.array([1.0, 2.0, 3.0, 4.0, 5.0])


def made(slope, seed=0):
    """Levels of all pairs, the probability that each is logged, the log, and 5% of the pairs at random."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(USERS, 1)) + rng.normal(size=ITEMS) + rng.logistic(size=(USERS, ITEMS))
    level = 1 + (x[..., None] > np.array([-3.0, -1.0, 0.5, 2.0])).sum(-1)
    p = 1 / (
        1 + np.exp(-(-1.5 - 3 * slope + slope * level + 0.5 * rng.normal(size=(USERS, 1)) + rng.normal(size=ITEMS)))
    )
    draw = rng.random((2, USERS, ITEMS))
    return level, p, np.nonzero(draw[0] < p), np.nonzero(draw[1] < 0.05)


def pairs(level, chosen):
    return RatedPairs(*chosen, level[chosen])


def fit(level, logged, random, seen=1.0):
    return fit_randomised(pairs(level, logged), pairs(level, random), SCALE, USERS, ITEMS, seen=seen)


@pytest.mark.parametrize("slope", [0.0, 0.4, 1.0])
def test_how_selection_depends_on_the_rating_is_recovered(slope):
    level, p, logged, random = made(slope)
    found = fit(level, logged, random)
    per_level = found.others.slope * np.diff(found.others.score)[0]
    assert per_level == pytest.approx(slope, abs=0.15)  # few ratings a user pull a strong slope towards 0
    known = found.propensity(*logged)
    assert np.corrcoef(np.log(known), np.log(p[logged]))[0, 1] > 0.9


def test_a_fit_that_sees_a_share_of_the_log_finds_the_same_slope_and_lower_propensities():
    level, p, logged, random = made(1.0)
    half = np.random.default_rng(1).random(len(logged[0])) < 0.5
    seen = tuple(column[half] for column in logged)
    found = fit(level, seen, random, seen=0.5)
    assert found.others.slope * np.diff(found.others.score)[0] == pytest.approx(1.0, abs=0.2)
    assert np.median(found.propensity(*seen) / p[seen]) == pytest.approx(0.5, abs=0.06)


def test_inverse_propensities_sum_to_all_users_and_all_items():
    level, _, logged, random = made(1.0)
    weight = 1.0 / fit(level, logged, random).propensity(*logged)
    assert weight.sum() == pytest.approx(USERS * ITEMS, rel=0.1)
    by_item = np.bincount(logged[1], weights=weight, minlength=ITEMS)
    assert np.median(by_item) == pytest.approx(USERS, rel=0.02)  # a few items lack low ratings to weigh up


def test_weighted_ratings_have_the_mean_of_all_ratings():
    level, _, logged, random = made(1.0)
    weight = 1.0 / fit(level, logged, random).propensity(*logged)
    naive, true = level[logged].mean(), level.mean()
    assert naive > true + 0.5
    left = np.average(level[logged], weights=weight) - true
    assert abs(left) < 0.35 * (naive - true)


def test_unrated_pairs_have_the_mean_over_the_ratings_of_random_pairs():
    level, p, logged, random = made(0.4)
    users, items = np.indices((USERS, ITEMS)).reshape(2, -1)
    found = fit(level, logged, random).others.propensity(users, items)
    assert found.mean() == pytest.approx(p.mean(), rel=0.1)


def test_random_pairs_that_were_drawn_from_the_log_are_refused():
    level, _, logged, _ = made(0.4)
    some = tuple(column[:50] for column in logged)
    with pytest.raises(ValueError, match="all of the 50 randomised pairs are in the log's first part"):
        fit(level, logged, some)
