import dataclasses

import numpy as np
import pytest

from recenv import RatingsLog
from recenv.causal import World
from recenv.causal.matched_thresholds import match_thresholds

USERS, ITEMS = 150, 40


@pytest.fixture(scope="module")
def world():
    return World.synthetic(3, users=USERS, items=ITEMS, dims=3, topics=3)


def play(world, number, lowered=0.0, pairs=None):
    """Ratings of every pair, of utilities that a mechanism has lowered."""
    user, item = np.divmod(np.arange(USERS * ITEMS), ITEMS)
    x = world.base_utility(user, item) - lowered + np.random.default_rng(number).logistic(size=len(user))
    rating = world.scale[np.searchsorted(world.thresholds, x)]
    keep = slice(pairs)
    return RatingsLog(
        name="made", user=user[keep], item=item[keep], rating=rating[keep], levels=world.scale,
        user_ids=world.user_ids, item_ids=world.item_ids,
    )  # fmt: skip


def test_thresholds_that_had_swallowed_a_mechanism_come_back(world):
    log = play(world, 100, lowered=0.6)
    fitted = dataclasses.replace(world, thresholds=world.thresholds + 0.6)  # as if no mechanism had been at work
    found = match_thresholds(fitted, log, lambda w, number: play(w, number, lowered=0.6))
    np.testing.assert_allclose(found.thresholds, world.thresholds, atol=0.12)


def test_right_thresholds_stay(world):
    found = match_thresholds(world, play(world, 100), play)
    np.testing.assert_allclose(found.thresholds, world.thresholds, atol=0.12)
    for name in ("taste", "embedding", "item_bias"):
        np.testing.assert_array_equal(getattr(found, name), getattr(world, name))


def test_a_level_that_one_log_lacks_leaves_the_thresholds_ascending(world):
    log = play(world, 1)
    log = dataclasses.replace(log, rating=np.where(log.rating == 3, 4.0, log.rating))
    found = match_thresholds(world, log, play, rounds=2)
    assert (np.diff(found.thresholds) > 0).all()


def test_a_simulated_log_without_ratings_is_refused(world):
    with pytest.raises(ValueError, match=r"play\(world, 0\) gave a log without ratings"):
        match_thresholds(world, play(world, 1), lambda w, number: play(w, number, pairs=0))


def test_no_round_is_refused(world):
    with pytest.raises(ValueError, match="rounds must be at least 1, got 0"):
        match_thresholds(world, play(world, 1), play, rounds=0)
