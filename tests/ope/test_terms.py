import re

import numpy as np
import pytest

from recenv.ope import BanditTerms, EmbeddingTerms, estimate


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


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"reward": ["1", "yes", "0"]}, "reward must hold numbers; entry 0 is '1'"),
        ({"reward": [1.0, "yes", None]}, "reward must hold numbers; entry 1 is 'yes'"),
        ({"target": [[0.1], [0.2, 0.3], 0.1]}, "target must hold numbers"),
        ({"propensity": None}, "propensity is missing: BanditTerms needs"),
        ({"propensity": np.array([0.5, 0.5j, 0.5])}, "propensity must hold numbers; entry 0"),
        ({"cluster": [1.0, np.nan, 2.0]}, "cluster must not be missing; row 1 has nan"),
        ({"cluster": np.array(["a", "b", None], dtype=object)}, "cluster must not be missing; row 2 has None"),
        ({"reward_range": (0, 1, 2)}, "reward_range must be two numbers"),
        ({"reward_range": 5}, "reward_range must be two numbers"),
        ({"weight_max": "10"}, "weight_max must be a positive number, not '10'"),
    ],
)
def test_what_is_no_number_or_label_is_refused_by_name(changed, message):
    given = {"reward": [1.0, 0.0, 1.0], "propensity": [0.5] * 3, "target": [0.2, 0.6, 0.5]}
    with pytest.raises(ValueError, match=re.escape(message)):
        BanditTerms(**{**given, **changed})


def test_labels_of_several_types_are_told_apart():
    mixed = np.array(["a", 1, "a", 2], dtype=object)
    terms = BanditTerms([1.0, 0.0, 1.0, 0.0], [0.5] * 4, [0.2, 0.6, 0.5, 0.5], cluster=mixed)
    codes = BanditTerms([1.0, 0.0, 1.0, 0.0], [0.5] * 4, [0.2, 0.6, 0.5, 0.5], cluster=[0, 1, 0, 2])
    assert estimate("ips", terms).clusters == 3
    assert estimate("ips", terms).std_error == estimate("ips", codes).std_error
