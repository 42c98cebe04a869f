import numpy as np
from numpy.testing import assert_array_equal

from recenv.agents.consumed import consumed_positions


def test_consumed_is_what_the_outcome_says_or_else_all_that_was_shown():
    items = np.array([[4, -1, 2]])
    assert_array_equal(consumed_positions(items, None), [[True, False, True]])
    outcome = {"consumed": np.array([[False, True, True]])}
    assert_array_equal(consumed_positions(items, outcome), [[False, False, True]])
