import numpy as np
import pytest

from recenv.causal.pairs import FIRST, SECOND, LoggedPairs, filter_place, find_pair


@pytest.fixture
def pairs():
    user, item = np.array([2, 0, 2, 0, 2]), np.array([7, 3, 1, 0, 4])
    return LoggedPairs.from_rows(user, item, np.array([1, 2, 3, 4, 5]), np.array([0, 1, 0, 0, 1]))


def test_rows_are_sorted_by_user_and_item_and_remember_their_order(pairs):
    np.testing.assert_array_equal(pairs.user, [0, 0, 2, 2, 2])
    np.testing.assert_array_equal(pairs.item, [0, 3, 1, 4, 7])
    np.testing.assert_array_equal(pairs.level, [4, 2, 3, 5, 1])
    np.testing.assert_array_equal(pairs.order, [1, 0, 1, 2, 0])
    np.testing.assert_array_equal(pairs.part, [0, 1, 0, 1, 0])
    assert np.isnan(pairs.noise).all()


def test_a_history_is_in_the_order_of_rating(pairs):
    np.testing.assert_array_equal(pairs.history(2).item, [7, 1, 4])
    assert len(pairs.history(1)) == 0


def test_one_part_keeps_its_rows(pairs):
    np.testing.assert_array_equal(pairs.only(FIRST).item, [0, 1, 7])
    np.testing.assert_array_equal(pairs.only(SECOND).item, [3, 4])


def test_starts_bound_every_users_rows(pairs):
    np.testing.assert_array_equal(pairs.starts(4), [0, 2, 2, 5, 5])


def test_every_logged_pair_is_found_and_no_other():
    rng = np.random.default_rng(0)
    user, item = np.nonzero(rng.random((20, 300)) < 0.1)
    pairs = LoggedPairs.from_rows(user, item, np.ones(len(user), int), np.zeros(len(user), int))
    table = pairs.table(20)
    logged = {(u, a): row for row, (u, a) in enumerate(zip(pairs.user, pairs.item, strict=True))}
    for u in range(20):
        for a in range(300):
            assert find_pair(table.start, table.item, table.filter, u, a) == logged.get((u, a), -1)


def test_a_world_without_pairs_finds_none():
    empty = LoggedPairs.from_rows(*(np.zeros(0, int) for _ in range(4)))
    table = empty.table(3)
    assert find_pair(table.start, table.item, table.filter, 1, 5) == -1


@pytest.mark.parametrize("words", [1, 2, 16, 256])
def test_the_filter_spreads_items_over_all_of_its_bits(words):
    places = [filter_place(item, words) for item in range(64 * words)]
    assert all(0 <= word < words for word, _ in places)
    assert len(set(places)) > 0.75 * len(places)  # a random hash would fill 63%
