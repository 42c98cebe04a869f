import numpy as np
import pytest

from recenv.feedback import LoggedFeedback


@pytest.fixture
def make_log():
    """A log of 3 users with 2 steps each; keywords replace columns."""

    def make(**changes):
        columns = {
            "episode": [0, 0, 1, 1, 2, 2],
            "step": [0, 1, 0, 1, 0, 1],
            "position": [0] * 6,
            "user": [7, 7, 8, 8, 9, 9],
            "item": [0, 3, 1, 0, 2, 2],
            "reward": [1.0, 0.0, 0.5, 2.0, -1.0, 0.0],
            "propensity": [0.25, 0.5, 0.25, 1.0, 0.1, 0.2],
            "terminated": [False, True, False, False, False, True],
            "truncated": [False, False, False, True, False, False],
            "observation": {"features": np.arange(12, dtype=np.float32).reshape(6, 2)},
            "n_items": 4,
        }
        return LoggedFeedback(**{**columns, **changes})

    return make
