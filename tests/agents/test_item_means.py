import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from recenv.agents.item_means import ItemMeans

FLAT = np.ones(3)


def made(popularity, items, position, reward, prior=None):
    sums = ItemMeans(np.asarray(popularity, float), prior)
    sums.add(np.asarray(items), np.asarray(position), np.asarray(reward, float))
    return sums


def test_by_hand_without_a_slope_and_with_a_prior():
    # Overall 2; item 0: (4 + 2) / 2, item 1: (0 + 2) / 2, item 2 was never shown.
    assert_allclose(made(FLAT, [0, 1], [0, 0], [4.0, 0.0], prior=1.0).means(), [3.0, 1.0, 2.0])


def test_without_a_prior_a_shown_items_mean_is_its_own_and_another_s_the_expectation():
    assert_allclose(made(FLAT, [0, 0, 1], [0, 0, 0], [4.0, 2.0, 0.0], prior=0.0).means(), [3.0, 0.0, 2.0])


def test_nothing_shown_is_nothing_earned():
    assert_array_equal(ItemMeans(FLAT).means(), np.zeros(3))


def test_an_item_that_was_never_shown_is_expected_to_earn_what_its_popularity_does():
    popularity = np.exp([3.0, 2.0, 1.0, 0.0]) - 1.0
    items = np.repeat([0, 1, 2], 100_000)
    means = made(popularity, items, 0 * items, 3.0 - items).means()
    assert_allclose(means, [3.0, 2.0, 1.0, 0.0], atol=0.01)


def test_a_lower_position_is_worth_less_of_a_showing():
    # Both items are worth 1; at the second position half as much is earned.
    rng = np.random.default_rng(0)
    items, position = rng.integers(2, size=20_000), rng.integers(2, size=20_000)
    kept = (items == position) | (rng.random(20_000) < 0.2)
    items, position = items[kept], position[kept]
    reward = (rng.random(len(items)) < np.where(position == 0, 1.0, 0.5)).astype(float)
    naive = np.bincount(items, reward) / np.bincount(items)
    assert naive[0] > 1.5 * naive[1]
    assert_allclose(made(np.ones(2), items, position, reward).means(), [1.0, 1.0], atol=0.03)


@pytest.mark.parametrize(("noise", "spread"), [(1.0, 0.3), (0.5, 0.5)])
def test_the_prior_is_the_variance_of_rewards_over_that_of_items(noise, spread):
    rng = np.random.default_rng(1)
    n_items = 2_000
    items = np.repeat(np.arange(n_items), 20)
    reward = rng.normal(2.0 + spread * rng.standard_normal(n_items)[items], noise)
    sums = made(np.ones(n_items), items, 0 * items, reward)
    count = sums.count[0]
    assert_allclose(sums._prior(count, sums._expected(count)), noise**2 / spread**2, rtol=0.1)


def test_rewards_below_zero_leave_positions_alone():
    means = made(FLAT, [0, 1], [0, 1], [-1.0, -3.0], prior=0.0).means()
    assert_allclose(means, [-1.0, -3.0, -2.0])


def test_restored_sums_go_on_alike():
    first = made(FLAT, [0, 1, 1], [0, 1, 0], [1.0, 0.5, 2.0])
    again = ItemMeans(FLAT)
    again.restore(first.arrays())
    for one in (first, again):
        one.add(np.array([2]), np.array([2]), np.array([1.5]))
    assert_array_equal(again.means(), first.means())
