import numpy as np
import pytest

from recenv.feedback import LoggedFeedback
from recenv.ope import estimate, slate_terms


def log(**changes):
    """Two slates of two positions, rows out of order."""
    columns = {
        "episode": np.array([0, 0, 1, 1]),
        "step": np.zeros(4, dtype=int),
        "position": np.array([1, 0, 0, 1]),
        "user": np.array([7, 7, 8, 8]),
        "item": np.array([2, 0, 1, 0]),
        "reward": np.array([1.0, 0.0, 2.0, 3.0]),
        "propensity": np.array([0.25, 0.25, 0.5, 0.5]),
        "propensity_prefix": np.array([0.25, 0.5, 0.5, 0.5]),
        "terminated": np.zeros(4, dtype=bool),
        "truncated": np.ones(4, dtype=bool),
        "observation": {},
        "n_items": 4,
    }
    return LoggedFeedback(**{**columns, **changes})


def test_rows_become_slates_from_the_top_down():
    feedback = log()
    terms = slate_terms(feedback, target=np.full(feedback.rows, 0.5), target_prefix=np.full(feedback.rows, 0.5))
    np.testing.assert_array_equal(terms.reward, [[0, 1], [2, 3]])
    np.testing.assert_array_equal(terms.propensity_prefix, [[0.5, 0.25], [0.5, 0.5]])
    assert terms.cluster.tolist() == [7, 8]
    assert estimate("sips", terms).value == pytest.approx((2 * 1 + 1 * 5) / 2)
    assert estimate("rips", terms).value == pytest.approx((1 * 0 + 2 * 1 + 2 + 3) / 2)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"item": np.array([2, 2, 1, 0])}, "episode 0, step 0 shows an item twice"),
        ({"position": np.array([1, 0, 0, 2])}, "episode 0, step 0 does not have the 3 positions"),
        ({"propensity": np.array([0.25, 0.25, 0.5, 0.4])}, "episode 1, step 0 has several propensities"),
        ({"propensity": np.full(4, np.nan)}, "the log has no propensities"),
    ],
)
def test_slates_that_cannot_be_used_are_refused(changes, message):
    with pytest.raises(ValueError, match=message):
        slate_terms(log(**changes))
