import numpy as np
import pytest

from recenv.causal.exposure_models.randomised import RatedPairs, fit_randomised, join_random

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
    per_level = found.slope * np.diff(found.score)[0]
    assert per_level == pytest.approx(slope, abs=0.15)  # few ratings a user pull a strong slope towards 0
    known = found.of_rated(pairs(level, logged))
    assert np.corrcoef(np.log(known), np.log(p[logged]))[0, 1] > 0.9


def test_a_fit_that_sees_a_share_of_the_log_finds_the_same_slope_and_lower_propensities():
    level, p, logged, random = made(1.0)
    half = np.random.default_rng(1).random(len(logged[0])) < 0.5
    seen = tuple(column[half] for column in logged)
    found = fit(level, seen, random, seen=0.5)
    assert found.slope * np.diff(found.score)[0] == pytest.approx(1.0, abs=0.2)
    assert np.median(found.of_rated(pairs(level, seen)) / p[seen]) == pytest.approx(0.5, abs=0.06)


def test_inverse_propensities_sum_to_all_users_and_all_items():
    level, _, logged, random = made(1.0)
    weight = 1.0 / fit(level, logged, random).of_rated(pairs(level, logged))
    assert weight.sum() == pytest.approx(USERS * ITEMS, rel=0.1)
    by_item = np.bincount(logged[1], weights=weight, minlength=ITEMS)
    assert np.median(by_item) == pytest.approx(USERS, rel=0.02)  # a few items lack low ratings to weigh up


def test_weighted_ratings_have_the_mean_of_all_ratings():
    level, _, logged, random = made(1.0)
    weight = 1.0 / fit(level, logged, random).of_rated(pairs(level, logged))
    naive, true = level[logged].mean(), level.mean()
    assert naive > true + 0.5
    left = np.average(level[logged], weights=weight) - true
    assert abs(left) < 0.35 * (naive - true)


def test_unrated_pairs_have_the_mean_over_the_ratings_of_random_pairs():
    level, p, logged, random = made(0.4)
    users, items = np.indices((USERS, ITEMS)).reshape(2, -1)
    found = fit(level, logged, random).propensity(users, items)
    assert found.mean() == pytest.approx(p.mean(), rel=0.1)


def test_random_pairs_that_were_drawn_from_the_log_are_refused():
    level, _, logged, _ = made(0.4)
    some = tuple(column[:50] for column in logged)
    with pytest.raises(ValueError, match="all of the 50 randomised pairs are in the log's first part"):
        fit(level, logged, some)


def joined(level, logged, random, seen=None):
    seen = logged if seen is None else seen
    selection = fit(level, seen, random, seen=len(seen[0]) / len(logged[0]))
    return join_random(pairs(level, seen), pairs(level, random), selection, logged[0] * ITEMS + logged[1])


@pytest.mark.parametrize("slope", [0.4, 1.0])
def test_rows_joined_by_random_ones_have_the_mean_of_all_ratings(slope):
    level, _, logged, random = made(slope)
    rows, known = joined(level, logged, random)
    weight = 1.0 / known.propensity(rows.user, rows.item)
    naive, true = level[logged].mean(), level.mean()
    assert abs(np.average(rows.level, weights=weight) - true) < 0.12 * (naive - true)
    assert weight.max() < 1.02 * USERS * ITEMS / len(random[0])  # no row stands for more pairs than a random one


def test_rows_joined_by_random_ones_have_the_means_of_the_items():
    level, _, logged, random = made(1.0)
    rows, known = joined(level, logged, random)
    weight = 1.0 / known.propensity(rows.user, rows.item)
    by_item = [np.average(rows.level[rows.item == a], weights=weight[rows.item == a]) for a in range(ITEMS)]
    naive = [level[:, a][logged[0][logged[1] == a]].mean() for a in range(ITEMS)]
    true = level.mean(0)
    assert np.std(by_item - true) < 0.5 * np.std(naive - true)


def test_the_propensity_of_a_joined_row_is_that_of_being_in_either_log():
    level, _, logged, random = made(0.4)
    selection = fit(level, logged, random)
    rows, known = joined(level, logged, random)
    p, q = selection.of_rated(rows), len(random[0]) / (USERS * ITEMS)
    np.testing.assert_allclose(known.propensity(rows.user, rows.item), 1 - (1 - p) * (1 - q))


def test_a_likelihood_has_the_probability_of_how_each_row_came_to_be_one():
    level, _, logged, random = made(0.4)
    half = np.random.default_rng(1).random(len(logged[0])) < 0.5
    seen = tuple(column[half] for column in logged)
    selection = fit(level, seen, random, seen=half.mean())
    rows, known = join_random(pairs(level, seen), pairs(level, random), selection, logged[0] * ITEMS + logged[1])
    at_level = known.given_level(rows.user, rows.item)[np.arange(len(rows.user)), rows.level - 1]
    p = selection.of_rated(rows)
    np.testing.assert_allclose(at_level[: half.sum()], p[: half.sum()])
    np.testing.assert_allclose(at_level[half.sum() :], 1 - p[half.sum() :] / half.mean())
    np.testing.assert_allclose(known.unrated(rows.user, rows.item), 1 - selection.given_level(rows.user, rows.item))


def test_no_logged_pair_is_joined_though_the_fit_does_not_see_it():
    level, _, logged, random = made(0.4)
    half = np.random.default_rng(1).random(len(logged[0])) < 0.5
    rows, _ = joined(level, logged, random, tuple(column[half] for column in logged))
    key = rows.user * ITEMS + rows.item
    assert len(np.unique(key)) == len(key)
    unseen = np.isin(key, (logged[0] * ITEMS + logged[1])[~half])
    assert not unseen.any()
    assert len(key) > half.sum() + 500
