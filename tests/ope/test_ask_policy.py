import numpy as np
import pytest

from recenv.ope.ask_policy import ask, column_of
from recenv.protocol import Request

REQUEST = Request(np.zeros((3, 0)), np.array([[0, 1, 2], [2, 1, -1], [-1, 0, 1]]))


class Fixed:
    def __init__(self, answer):
        self.answer = np.array(answer)

    def probabilities(self, request):
        return self.answer


GOOD = [[0.2, 0.3, 0.5], [0.5, 0.5, 0.0], [0.0, 1.0, 0.0]]


def test_a_right_answer_passes():
    np.testing.assert_array_equal(ask("p", Fixed(GOOD), REQUEST), GOOD)
    assert ask("p", Fixed(np.float32(GOOD)), REQUEST).dtype == np.float32


@pytest.mark.parametrize(
    ("row", "answer", "message"),
    [
        (0, [0.2, 0.3, 0.4], r"policy 'p': the probabilities of row 100 sum to 0.9, not 1"),
        (1, [0.7, 0.7, -0.4], r"row 101 has probability -0.4"),
        (1, [np.nan, 1.0, 0.0], r"row 101 has probability nan"),
        (2, [0.5, 0.5, 0.0], r"row 102 gives probability to a candidate that is -1"),
    ],
)
def test_a_wrong_answer_is_refused_with_its_row(row, answer, message):
    wrong = np.array(GOOD)
    wrong[row] = answer
    with pytest.raises(ValueError, match=message):
        ask("p", Fixed(wrong), REQUEST, first_row=100)


def test_a_wrong_shape_is_refused():
    with pytest.raises(ValueError, match=r"returned probabilities of shape \(3, 2\) for candidates of shape \(3, 3\)"):
        ask("p", Fixed(np.full((3, 2), 0.5)), REQUEST)


def test_columns_of_logged_items():
    assert column_of(np.array([2, 1, 0]), REQUEST.candidates).tolist() == [2, 1, 1]
    with pytest.raises(ValueError, match=r"row 11: item 0 was shown but is no candidate.*set repeat to True"):
        column_of(np.array([2, 0, 0]), REQUEST.candidates, first_row=10)
