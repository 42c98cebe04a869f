import numpy as np
import pytest

from recenv.ope.plackett_luce import all_slates, prefix_probability


def test_prefixes_reckoned_by_hand():
    scores = np.log([[0.5, 0.3, 0.2]])
    found = prefix_probability(np.repeat(scores, 2, axis=0), [[0, 1], [2, 0]])
    np.testing.assert_allclose(found, [[0.5, 0.5 * 0.3 / 0.5], [0.2, 0.2 * 0.5 / 0.8]])


def test_all_slates_sum_to_one_and_are_distinct(rng):
    shown, probability = all_slates(rng.normal(size=5), 3)
    assert shown.shape == (60, 3)
    assert len(np.unique(shown, axis=0)) == 60
    assert probability.sum() == pytest.approx(1, rel=1e-12)


def test_a_dominant_item_costs_no_digits_and_a_forbidden_one_is_never_shown():
    found = prefix_probability([[100.0, 0.0, 0.0, -np.inf]], [[0, 1]])
    np.testing.assert_allclose(found, [[1.0, 0.5]], rtol=1e-12)
    assert prefix_probability([[0.0, 0.0, -np.inf]], [[0, 2]])[0, 1] == 0


def test_impossible_requests_are_refused():
    with pytest.raises(ValueError, match=r"must not repeat an item; row 1 has \[2, 2\]"):
        prefix_probability(np.zeros((2, 3)), [[0, 1], [2, 2]])
    with pytest.raises(ValueError, match="8 of 30 items make"):
        all_slates(np.zeros(30), 8)
    with pytest.raises(ValueError, match="4 of 3 items make 0 slates"):
        all_slates(np.zeros(3), 4)
