"""Pools of users and of items never mix, and agents know nothing of the ratings of cold items."""

import dataclasses

import numpy as np
import pytest

from recenv.causal import World
from recenv.envs import EnvConfig, RecSysEnv, RecSysVectorEnv
from recenv.envs.pools import items_of, participants, users_of
from recenv.protocol import Decision
from recenv.sessions import evaluate_sessions

POOLS = ("train", "validation", "test")


@pytest.fixture(scope="module")
def large():
    return World.synthetic(3, users=500, items=200, dims=2, topics=4)


def test_the_pools_share_the_users(large):
    parts = [users_of(large, pool) for pool in POOLS]
    np.testing.assert_array_equal(np.sort(np.concatenate(parts)), np.arange(500))
    shares = [len(part) / 500 for part in parts]
    assert shares == pytest.approx([0.8, 0.1, 0.1], abs=0.05)
    np.testing.assert_array_equal(users_of(large, "all"), np.arange(500))


def test_warm_and_cold_share_the_items(large):
    warm, cold = items_of(large, "warm"), items_of(large, "cold")
    assert (warm ^ cold).all()
    assert cold.mean() == pytest.approx(0.1, abs=0.06)
    assert items_of(large, "all").all()


def test_only_the_seed_of_the_world_decides(large):
    renamed = dataclasses.replace(large, name="other", behaviour=dataclasses.replace(large.behaviour, boredom=0.0))
    other = dataclasses.replace(large, seed=4)
    for pool in POOLS:
        np.testing.assert_array_equal(users_of(large, pool), users_of(renamed, pool))
        assert set(users_of(large, pool)) != set(users_of(other, pool))
    assert (items_of(large, "cold") != items_of(other, "cold")).any()


@pytest.mark.parametrize("mode", ["NextStep", "SameStep"])
def test_episodes_are_drawn_from_the_pool_alone_also_after_autoresets(large, mode):
    met = {}
    for pool in POOLS:
        env = RecSysVectorEnv(64, world=large, users=pool, horizon=2, autoreset_mode=mode)
        env.reset(seed=0)
        met[pool] = set(env.users)
        for _ in range(30):
            env.step(np.zeros(64, int))
            met[pool] |= set(env.users)
        assert met[pool] <= set(users_of(large, pool))
    assert met["validation"] == set(users_of(large, "validation"))
    assert met["test"] == set(users_of(large, "test"))
    assert len(met["train"]) > 300


def test_a_user_of_another_pool_is_refused(large):
    stranger = int(users_of(large, "test")[0])
    env = RecSysEnv(world=large, users="train")
    with pytest.raises(ValueError, match=rf"users\[0\] is {stranger}, who takes no part here \(users='train'"):
        env.reset(seed=0, options={"user": stranger})
    own = int(users_of(large, "train")[5])
    assert env.reset(seed=0, options={"user": own})[1]["user"] == own


def test_explanations_after_an_autoreset_know_who_was_drawn(large):
    env = RecSysVectorEnv(16, world=large, users="test", horizon=1, autoreset_mode="SameStep")
    env.reset(seed=0)
    for _ in range(3):
        users = env.users
        env.step(np.arange(16))
        explained = env.explain()
        np.testing.assert_array_equal(explained.outcome, env.outcome)
        assert set(users) <= set(users_of(large, "test"))


class Popular:
    def act(self, request, *, rng, explore=True):
        place = (request.candidates >= 0).argmax(1)
        return Decision(request.candidates[np.arange(len(place)), place][:, None], np.ones(len(place)))


def test_sessions_of_everyone_are_those_of_the_pool(large):
    config = EnvConfig(large, users="validation", horizon=2)
    np.testing.assert_array_equal(participants(config), users_of(large, "validation"))
    np.testing.assert_array_equal(evaluate_sessions(Popular(), config).user, users_of(large, "validation"))


@pytest.mark.parametrize("candidates", [None, 4])
@pytest.mark.parametrize("pool", ["warm", "cold"])
def test_items_of_the_other_pool_are_never_shown(large, pool, candidates):
    inside = items_of(large, pool)
    env = RecSysVectorEnv(32, world=large.do(leaving=0), items=pool, horizon=5, candidates=candidates)
    env.reset(seed=0)
    rng = np.random.default_rng(0)
    for _ in range(5):
        offered = env.candidates()
        assert inside[offered[offered >= 0]].all()
        assert env.action_masks().any(axis=1).all()
        env.step(rng.integers(env.single_action_space.n, size=32))
        shown = env.outcome["item"]
        assert inside[shown[shown >= 0]].all()
    if candidates is None:
        np.testing.assert_array_equal(env.core.in_pool(), np.tile(inside, (32, 1)))


def test_an_item_outside_the_pool_is_an_empty_position(large):
    outside = int(np.flatnonzero(~items_of(large, "warm"))[0])
    env = RecSysEnv(world=large, items="warm")
    env.reset(seed=0)
    _, reward, _, _, info = env.step(outside)
    assert (reward, info["item"]) == (0.0, -1)
    assert env.counterfactual([outside]).outcomes["item"][0, 0] == -1


@pytest.mark.parametrize("pool", ["warm", "cold"])
def test_the_catalogue_says_nothing_of_how_cold_items_were_rated(large, pool):
    cold, topics = items_of(large, "cold"), large.topic.shape[1]
    catalogue = RecSysEnv(world=large, items=pool, horizon=5).catalogue
    assert (catalogue.popularity[cold] == 0).all()
    assert (catalogue.features[cold, :-topics] == 0).all()
    np.testing.assert_array_equal(catalogue.features[cold, -topics:], large.topic[cold].astype(np.float32))
    np.testing.assert_array_equal(catalogue.features[~cold], large.item_features[~cold])
    np.testing.assert_array_equal(catalogue.popularity[~cold], large.item_counts[~cold])
    whole = RecSysEnv(world=large).catalogue
    np.testing.assert_array_equal(whole.features, large.item_features)


def test_topics_made_from_ratings_are_hidden_too(large):
    clustered = dataclasses.replace(large, topic_names=tuple(f"cluster {g + 1}" for g in range(large.topic.shape[1])))
    cold = items_of(large, "cold")
    assert (RecSysEnv(world=clustered, items="warm").catalogue.features[cold] == 0).all()


def test_cold_items_answer_as_ever(large):
    """Only what agents see of them is hidden."""
    env, whole = (RecSysEnv(world=large, items=pool, horizon=5) for pool in ("cold", "all"))
    for one in (env, whole):
        one.reset(seed=0, options={"user": 3})
    np.testing.assert_array_equal(env.potential_outcomes(), whole.potential_outcomes())


def test_a_pool_too_small_is_refused(large):
    cold = int(items_of(large, "cold").sum())
    with pytest.raises(ValueError, match=f"has {cold} cold items; 30 steps of 1 without repeats need 30"):
        RecSysEnv(world=large, items="cold", horizon=30)
    tiny = World.synthetic(0, users=10, items=30)
    empty = next(
        pool
        for seed in range(50)
        for pool in POOLS
        if not len(users_of(tiny := dataclasses.replace(tiny, seed=seed), pool))
    )
    with pytest.raises(ValueError, match=f"no user of world .* can take part: users is '{empty}'"):
        RecSysEnv(world=tiny, users=empty)
