import numpy as np
import pytest
from numpy.testing import assert_array_equal

from recenv.agents.slates.logged_slates import logged_slates
from recenv.feedback import LoggedFeedback


def a_log(**changes):
    """Two episodes: slates of two and one item, then one of two."""
    columns = {
        "episode": [0, 0, 0, 1, 1],
        "step": [0, 0, 1, 0, 0],
        "position": [0, 1, 0, 0, 1],
        "user": [7, 7, 7, 9, 9],
        "item": [3, 1, 2, 0, 4],
        "reward": [1.0, 2.0, 4.0, 0.0, 8.0],
        "propensity": [0.1, 0.1, 0.5, 0.2, 0.2],
        "terminated": [False, False, True, False, False],
        "truncated": [False, False, False, True, True],
        "observation": {"features": np.array([[0.0], [0.0], [1.0], [2.0], [2.0]], np.float32)},
        "next_observation": {"features": np.array([[1.0], [1.0], [5.0], [6.0], [6.0]], np.float32)},
        "candidates": [[0, 1, 3], [0, 1, 3], [2, 4, -1], [0, 4, -1], [0, 4, -1]],
        "n_items": 5,
    }
    return LoggedFeedback(**{**columns, **changes})


def test_rows_of_a_slate_become_one_decision():
    feedback = logged_slates(a_log())
    assert_array_equal(feedback.decision.items, [[3, 1], [2, -1], [0, 4]])
    assert_array_equal(feedback.decision.probability, [0.1, 0.5, 0.2])
    assert_array_equal(feedback.reward, [3.0, 4.0, 8.0])
    assert_array_equal(feedback.terminated, [False, True, False])
    assert_array_equal(feedback.truncated, [False, False, True])
    assert_array_equal(feedback.request.observation, [[0.0], [1.0], [2.0]])
    assert_array_equal(feedback.next_request.observation, [[1.0], [5.0], [6.0]])
    assert feedback.request.slate_size == 2


def test_what_may_be_shown_next_is_that_of_the_episodes_next_decision():
    feedback = logged_slates(a_log())
    assert_array_equal(feedback.request.candidates, [[0, 1, 3], [2, 4, -1], [0, 4, -1]])
    assert_array_equal(feedback.next_request.candidates, [[2, 4, -1], [2, 4, -1], [0, 4, -1]])


def test_a_log_without_observations_is_refused():
    with pytest.raises(ValueError, match="no observation or next_observation"):
        logged_slates(a_log(observation={}, next_observation={}))
