import numpy as np
import pytest

from recenv.causal import World
from recenv.causal.ordinal import level_probabilities
from recenv.causal.unrated_ratings import unrated_rating

USERS, ITEMS = np.array([0, 1, 2]), np.array([3, 0, 3])


@pytest.fixture(scope="module")
def five():
    return World.synthetic(3, users=10, items=10, dims=2, topics=3)


def test_it_is_the_mean_of_the_levels_given_that_the_pair_is_not_rated(five):
    rated = np.tile([0.1, 0.2, 0.4, 0.6, 0.9], (3, 1))
    probability = level_probabilities(five.base_utility(USERS, ITEMS), five.thresholds)
    left = probability * [0.9, 0.8, 0.6, 0.4, 0.1]
    by_hand = (left * [1, 2, 3, 4, 5]).sum(1) / left.sum(1)
    np.testing.assert_allclose(unrated_rating(five, USERS, ITEMS, rated), by_hand)
    assert (by_hand < five.expected_rating(USERS, ITEMS)).all()


def test_without_selection_by_the_rating_it_is_the_expected_rating(five):
    rated = np.tile([[0.3], [0.0], [0.9]], (1, 5))
    np.testing.assert_allclose(unrated_rating(five, USERS, ITEMS, rated), five.expected_rating(USERS, ITEMS))


def test_unrated_and_rated_pairs_together_have_the_expected_rating(five):
    rng = np.random.default_rng(0)
    rated = rng.random((3, 5))
    probability = level_probabilities(five.base_utility(USERS, ITEMS), five.thresholds)
    share = (probability * rated).sum(1)
    of_rated = (probability * rated) @ five.scale / share
    both = share * of_rated + (1 - share) * unrated_rating(five, USERS, ITEMS, rated)
    np.testing.assert_allclose(both, five.expected_rating(USERS, ITEMS))


def test_propensities_that_cannot_be_are_refused(five):
    with pytest.raises(ValueError, match=r"shape \(3, 4\); one a pair and level is \(3, 5\)"):
        unrated_rating(five, USERS, ITEMS, np.full((3, 4), 0.1))
    bad = np.full((3, 5), 0.1)
    bad[1, 4] = 1.0
    with pytest.raises(ValueError, match=r"in \[0, 1\); row 1 has"):
        unrated_rating(five, USERS, ITEMS, bad)
