"""The same seed gives the same episode alone, in a batch, and in any order of the batch."""

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recenv.causal import Behaviour, World
from recenv.envs import RecSysEnv, RecSysVectorEnv

from .any_behaviour import ANY_BEHAVIOUR
from .episodes import assert_equal_observations, assert_slot_equals_alone, play_alone, play_batch, rows

SHORT = {"horizon": 6}


def actions_of(steps, batch, n_items, slate=1, seed=0):
    shape = (steps, batch) if slate == 1 else (steps, batch, slate)
    return np.random.default_rng(seed).integers(n_items, size=shape)


@pytest.fixture(scope="module")
def thousand(world):
    actions = actions_of(15, 1000, world.n_items)
    return actions, play_batch(RecSysVectorEnv(1000, world=world, **SHORT), 50, actions)


@pytest.mark.parametrize("slot", [0, 1, 499, 998, 999])
def test_a_slot_of_a_thousand_equals_a_single_environment_across_autoresets(world, thousand, slot):
    actions, batch = thousand
    alone = play_alone(RecSysEnv(world=world, **SHORT), 50 + slot, actions[:, slot])
    assert any(record[4] is None for record in alone[1:])
    assert_slot_equals_alone(batch, slot, alone)


def test_the_order_of_the_batch_does_not_matter(world, thousand):
    actions, batch = thousand
    order = np.random.default_rng(1).permutation(1000)
    permuted = play_batch(RecSysVectorEnv(1000, world=world, **SHORT), (50 + order).tolist(), actions[:, order])
    for one, two in zip(batch, permuted, strict=True):
        for a, b in zip(one, two, strict=True):
            assert_equal_observations(rows(a, order), b)


def test_different_seeds_give_different_users_and_episodes(thousand):
    _, batch = thousand
    assert len(np.unique(batch[0][0], axis=0)) == 25  # every user occurs
    assert len(np.unique(batch[1][4]["attraction"])) > 990


def test_episodes_count_from_zero_since_seeding(world):
    env = RecSysEnv(world=world, **SHORT)
    actions = actions_of(20, 1, world.n_items)[:, 0]
    once = play_alone(env, 9, actions)
    play_alone(env, 4, actions)
    again = play_alone(env, 9, actions)
    for one, two in zip(once, again, strict=True):
        assert_equal_observations(one[0], two[0])
        assert one[1:4] == two[1:4]


def test_the_next_episode_of_a_seed_is_another_one(world):
    env = RecSysEnv(world=world, behaviour="off")
    env.reset(seed=3, options={"user": 5})
    moods = [env.get_state().mood[0]]
    for _ in range(3):
        env.reset(options={"user": 5})
        moods.append(env.get_state().mood[0])
    assert len(set(moods)) == 4


def test_opinions_persist_over_episodes_and_seeds_but_clicks_do_not(world):
    env = RecSysVectorEnv(40, world=world, behaviour=Behaviour(confounding=0.0, discovery=0.5), feedback="simulated")
    env.reset(seed=0, options={"users": np.full(40, 7)})
    found = env.potential_outcomes()
    assert np.all(found["satisfaction"] == found["satisfaction"][0])
    assert len(np.unique(found["attraction"][:, 3])) == 40


def test_opinions_belong_to_the_world_seed(world):
    options = {"feedback": "simulated", "behaviour": "off"}
    ratings = []
    for seed in (1, 2):
        env = RecSysVectorEnv(1, world=dataclasses.replace(world, seed=seed), **options)
        env.reset(seed=0, options={"users": np.array([7])})
        ratings.append(env.potential_outcomes()["satisfaction"])
    assert not np.any(ratings[0] == ratings[1])


def test_a_seed_beyond_32_bits_works_and_differs(world):
    env = RecSysEnv(world=world)
    moods = []
    for seed in (7, 2**32 + 7, 2**80):
        env.reset(seed=seed, options={"user": 0})
        moods.append(env.get_state().mood[0])
    assert len(set(moods)) == 3


WORLDS = [World.synthetic(k, users=12, items=14, dims=2, topics=3, levels=2 + k) for k in range(3)]


@settings(max_examples=40, deadline=None, derandomize=True)
@given(
    world=st.sampled_from(WORLDS),
    behaviour=ANY_BEHAVIOUR,
    slate_size=st.integers(1, 3),
    reward=st.sampled_from(["rating", "like", "click", "purchase", "uplift", "satisfaction"]),
    observation=st.sampled_from(["features", "history"]),
    feedback=st.sampled_from(["hybrid", "simulated"]),
    repeat=st.booleans(),
    horizon=st.integers(1, 4),
    seed=st.integers(0, 2**40),
)
def test_any_environment_stays_in_its_space_and_equals_its_single_ones(world, seed, **options):
    env = RecSysVectorEnv(3, world=world, **options)
    actions = actions_of(6, 3, world.n_items, options["slate_size"], seed=seed)
    records = play_batch(env, seed, actions)
    for observation, *rest in records:
        assert observation in env.observation_space
        for column in rest[:1]:
            assert np.isfinite(column).all()
    utilities = np.stack([record[4]["satisfaction"] for record in records[1:]])
    assert np.isfinite(utilities).all()
    for slot in range(3):
        alone = play_alone(RecSysEnv(world=world, **options), seed + slot, actions[:, slot])
        assert_slot_equals_alone(records, slot, alone)
