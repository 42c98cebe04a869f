import numpy as np
import pytest

from recenv.ope import BanditTerms, EmbeddingTerms


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"reward": [1, np.nan, 0, 0]}, "reward must be finite; row 1 has nan"),
        ({"q_logged": [1, 0, np.inf, 0]}, "q_logged must be finite; row 2 has inf"),
        ({"target": [0, 0, 0, np.nan]}, "target must be finite; row 3 has nan"),
        ({"target": [0, 0, 1.2, 0]}, r"target must be in \[0, 1\]; row 2 has 1.2"),
        ({"propensity": [0.1, 0.0, 1, 1]}, r"propensity must be in \(0, 1\]; row 1 has 0.0"),
        ({"propensity": [0.1, 0.5, 1, 1.1]}, r"row 3 has 1.1"),
        ({"target": [0.1, 0.2]}, "target has 2 rows, reward has 4"),
        ({"cluster": [1, 2]}, "cluster has 2 rows, reward has 4"),
        ({"reward": np.zeros((4, 1))}, r"reward must be \(n,\)"),
        ({"reward": [], "target": []}, "reward is empty"),
        ({"reward_range": (0, 1)}, r"reward must lie in reward_range \[0.0, 1.0\]; row 2 has 2.0"),
        ({"reward_range": (1, 1)}, "low < high"),
        ({"weight_max": 1.5}, "weight must be at most weight_max 1.5; row 1 has 2.0"),
        ({"weight_max": -1}, "weight_max must be a positive number"),
    ],
)
def test_unusable_terms_are_refused(terms, changes, message):
    with pytest.raises(ValueError, match=message):
        terms(**changes)


def test_negative_ratios_are_refused():
    with pytest.raises(ValueError, match=r"marginal_ratio must be at least 0; row 1 has -0\.5"):
        EmbeddingTerms([1.0, 0.0], [0.5, -0.5])


def test_lists_become_vectors():
    terms = BanditTerms([1, 0], [0.5, 0.5], [1, 0])
    assert terms.weight.tolist() == [2.0, 0.0]
    assert terms.rows == 2
