import numpy as np
import pytest

from recenv.causal import World
from recenv.causal.abduction import world_key
from recenv.causal.noise import OPINION, logistic_quantile, opinion_uniform
from recenv.causal.pairs import FIRST


def test_its_log_is_what_its_equations_give(world):
    pairs = world.pairs
    base = np.einsum("nd,nd->n", world.taste[pairs.user], world.embedding[pairs.item])
    x = base + world.user_bias[pairs.user] + world.item_bias[pairs.item] + pairs.noise
    np.testing.assert_array_equal(pairs.level, 1 + (x[:, None] > world.thresholds).sum(1))


def test_a_seed_makes_one_world_and_another_seed_another():
    options = {"users": 20, "items": 15, "dims": 2, "topics": 3}
    one, again, other = World.synthetic(7, **options), World.synthetic(7, **options), World.synthetic(8, **options)
    np.testing.assert_array_equal(one.taste, again.taste)
    np.testing.assert_array_equal(one.pairs.noise, again.pairs.noise)
    assert not np.array_equal(one.taste, other.taste)


def test_sizes_are_those_asked_for():
    world = World.synthetic(0, users=11, items=13, dims=3, topics=4, levels=7)
    assert (world.n_users, world.n_items, world.n_levels) == (11, 13, 7)
    assert world.taste.shape == (11, 3)
    assert world.topic.shape == (13, 4)
    np.testing.assert_allclose(world.topic.sum(1), 1.0)


def test_popular_items_are_rated_more_and_liked_items_too(world):
    shown = world.pairs
    mean_logged = np.einsum("nd,nd->n", world.taste[shown.user], world.embedding[shown.item]).mean()
    assert mean_logged > (world.taste @ world.embedding.T).mean()  # not missing at random


def test_the_first_part_is_most_of_the_log_and_the_only_visible_one(world):
    first = world.pairs.part == FIRST
    assert 0.5 < first.mean() < 0.9
    np.testing.assert_array_equal(world.item_counts, np.bincount(world.pairs.item[first], minlength=world.n_items))


def test_biases_are_normalised_and_popularity_is_orthogonal(world):
    assert world.user_bias.sum() == pytest.approx(0.0, abs=1e-9)
    assert world.item_bias.sum() == pytest.approx(0.0, abs=1e-9)
    assert world.popularity @ world.item_bias == pytest.approx(0.0, abs=1e-9)


@pytest.mark.parametrize(("name", "least"), [("users", 10), ("items", 10), ("dims", 2), ("topics", 2), ("levels", 2)])
def test_a_world_too_small_is_refused_by_name(name, least):
    with pytest.raises(ValueError, match=f"at least {least} {name}, got {least - 1}"):
        World.synthetic(0, **{name: least - 1})


def test_a_pair_that_forgets_its_logged_noise_meets_another_opinion():
    world = World.synthetic(7, users=60, items=40, dims=2, topics=3)
    key, pairs = world_key(world.seed), zip(world.pairs.user, world.pairs.item, strict=True)
    fresh = [logistic_quantile(opinion_uniform(*key, u, a, OPINION)) for u, a in pairs]
    assert not np.any(np.isclose(fresh, world.pairs.noise))
    assert abs(np.corrcoef(fresh, world.pairs.noise)[0, 1]) < 0.25
