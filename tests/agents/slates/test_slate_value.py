import itertools

import numpy as np
from numpy.testing import assert_allclose, assert_array_equal

from recenv.agents.slates.slate_value import added_values, best_slate_value, slate_values


def test_the_value_of_a_slate_worked_by_hand():
    value = slate_values(np.array([[1.0, 3.0]]), np.array([[2.0, 4.0]]), np.array([1.0]), np.array([0.5]))
    assert_allclose(value, [(0.5 + 2.0 + 12.0) / 5.0])


def test_what_an_item_adds_to_nothing_worked_by_hand():
    added = added_values(np.array([[1.0, 3.0, 0.0]]), np.array([[2.0, 4.0, 9.0]]), np.array([1.0]), np.array([0.5]))
    assert_allclose(added, [[0.5 * 1.5, 0.75 * 3.5, 0.0]])


def test_an_empty_position_has_weight_nought():
    full, empty = ([[1.0, 0.0]], [[2.0, 9.0]]), ([[1.0]], [[2.0]])
    null = np.array([1.0]), np.array([0.5])
    values = [slate_values(np.array(weight), np.array(value), *null) for weight, value in (full, empty)]
    assert_allclose(*values)


def test_the_best_slate_is_that_of_trying_them_all():
    rng = np.random.default_rng(0)
    weight, value = rng.exponential(size=(200, 7)), rng.normal(size=(200, 7))
    weight[rng.random((200, 7)) < 0.2] = 0.0
    weight[:, :3] += 0.1  # at least three items are there
    null_weight, null_value = rng.exponential(size=200), rng.normal(size=200)
    tried = np.full(200, -np.inf)
    for slate in itertools.combinations(range(7), 3):
        columns = list(slate)
        found = slate_values(weight[:, columns], value[:, columns], null_weight, null_value)
        tried = np.where((weight[:, columns] > 0).all(axis=1), np.maximum(tried, found), tried)
    level = best_slate_value(weight, value, null_weight, null_value, 3)
    assert_allclose(level, tried)
    gain = np.where(weight > 0, weight * (value - level[:, None]), -np.inf)
    columns = np.argsort(-gain, axis=1)[:, :3]
    picked = [np.take_along_axis(array, columns, axis=1) for array in (weight, value)]
    assert_allclose(slate_values(*picked, null_weight, null_value), tried)


def test_of_fewer_items_than_positions_all_are_taken():
    level = best_slate_value(np.array([[1.0, 0.0]]), np.array([[3.0, 9.0]]), np.array([1.0]), np.array([1.0]), 5)
    assert_array_equal(level, [2.0])


def test_a_poor_item_with_a_large_weight_is_left_out_although_weight_times_value_is_highest():
    # 1.0 * 10 > 0.1 * 12, but the rest of the time the user would have gone on for nothing less than 11
    weight, value = np.array([[10.0, 0.1]]), np.array([[1.0, 12.0]])
    null = np.array([1.0]), np.array([11.0])
    assert best_slate_value(weight, value, *null, 1)[0] == (11.0 + 1.2) / 1.1
