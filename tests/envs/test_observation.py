import dataclasses

import numpy as np
import pytest

from recenv.causal import Behaviour, World
from recenv.envs import RecSysEnv, RecSysVectorEnv

from .episodes import play_alone, play_batch

F, G = 16, 4  # visible user features, topics


def test_the_flat_observation_is_what_its_documentation_says(world):
    env = RecSysEnv(world=world, behaviour="off", horizon=5)
    observation, _ = env.reset(seed=0, options={"user": 6})
    assert observation.shape == (F + 2 * G + 5,)
    np.testing.assert_array_equal(observation[:F], world.user_features[6])
    np.testing.assert_array_equal(observation[F : F + 2 * G], 0.0)
    np.testing.assert_array_equal(observation[-5:], [0, 0, 0, 0, 1])
    felt, recent, savoured = [], np.zeros(G), np.zeros(G)
    for step, item in enumerate((3, 8, 20), 1):
        observation, reward, *_ = env.step(item)
        felt.append((reward - 1) / 4)
        recent = 0.8 * recent + 0.2 * world.topic[item]
        savoured = 0.8 * savoured + 0.2 * felt[-1] * world.topic[item]
        np.testing.assert_allclose(observation[F : F + G], recent, rtol=1e-5)
        np.testing.assert_allclose(observation[F + G : -5], savoured, rtol=1e-5, atol=1e-7)
        np.testing.assert_allclose(observation[-5:], [step / 5, felt[-1], np.mean(felt), 1.0, 0.0], rtol=1e-6)


def test_what_is_not_consumed_is_not_seen(world):
    behaviour = dataclasses.replace(Behaviour.off(), funnel=1.0, tau_click=1e5, tau_buy=1e5)
    env = RecSysEnv(world=world, behaviour=behaviour, horizon=5, observation="history")
    env.reset(seed=0)
    observation, *_, info = env.step(3)
    np.testing.assert_array_equal(observation["features"][F : F + 2 * G], 0.0)
    np.testing.assert_allclose(observation["features"][-5:], [0.2, 0, 0, 0, 0], rtol=1e-6)
    assert observation["feedback"][0] == 0.0
    assert info["rating"] == 0.0
    assert env.outcome["rating"][0] >= 1.0  # what they would have given is known to the world only


def test_the_history_holds_items_feedback_and_mask_in_order(world):
    env = RecSysEnv(world=world, behaviour="off", horizon=3, slate_size=2, observation="history")
    observation, _ = env.reset(seed=0)
    np.testing.assert_array_equal(observation["shown"], [-1] * 6)
    np.testing.assert_array_equal(observation["mask"], [0] * 6)
    env.step(np.array([7, 7]))
    observation, *_ = env.step(np.array([9, 2]))
    np.testing.assert_array_equal(observation["shown"], [7, -1, 9, 2, -1, -1])
    np.testing.assert_array_equal(observation["mask"], [1, 0, 1, 1, 0, 0])
    np.testing.assert_allclose(observation["feedback"][2:4], (env.outcome["level"] - 1) / 4)
    assert observation in env.observation_space


HIDDEN = {
    "taste": lambda w: -w.taste,
    "embedding": lambda w: w.embedding[::-1],
    "user_bias": lambda w: -w.user_bias,
    "item_bias": lambda w: -w.item_bias,
    "popularity": lambda w: -w.popularity,
    "comfort": lambda w: -w.comfort,
    "thresholds": lambda w: w.thresholds + 1.0,
    "trust_start": lambda w: 1.0 - w.trust_start,
}


@pytest.mark.parametrize("name", HIDDEN)
def test_the_first_observation_does_not_depend_on_hidden_parameters(world, name):
    other = dataclasses.replace(world, **{name: HIDDEN[name](world)})
    seen = [RecSysVectorEnv(50, world=each).reset(seed=0)[0] for each in (world, other)]
    np.testing.assert_array_equal(*seen)


@pytest.mark.parametrize("node", ["mood", "trust", "satiation"])
def test_state_that_changes_no_response_changes_no_observation(world, node):
    quiet = world.do(confounding=0.0, boredom=0.0, leaving=0.0)
    actions = np.random.default_rng(0).integers(world.n_items, size=(8, 20))
    seen = [
        play_batch(RecSysVectorEnv(20, world=each, horizon=10), 0, actions) for each in (quiet, quiet.do(**{node: 0.9}))
    ]
    for one, two in zip(*seen, strict=True):
        np.testing.assert_array_equal(one[0], two[0])


def test_no_hidden_number_stands_in_an_observation(world):
    env = RecSysVectorEnv(25, world=world, horizon=10)
    env.reset(seed=0, options={"users": np.arange(25)})
    for item in range(6):
        observation, *_ = env.step(np.full(25, item))
    state = env.get_state()
    for hidden in (state.taste.ravel(), state.mood, state.trust, world.embedding.ravel(),
                   env.outcome["attraction"].ravel(), env.outcome["satisfaction"].ravel()):  # fmt: skip
        hidden = hidden[np.abs(hidden) > 1e-6].astype(np.float32)
        assert not np.intersect1d(np.round(hidden, 6), np.round(observation, 6)).size


def test_a_single_environment_tells_only_what_a_system_would_see(world):
    env = RecSysEnv(world=world)
    _, info = env.reset(seed=0)
    assert set(info) == {"user"}
    assert set(env.step(0)[4]) == {"user", "item", "clicked", "purchased", "consumed", "liked", "rating"}


def test_observations_stay_inside_their_bounds_over_a_long_session():
    """One topic that is consumed all the time: the decayed profiles come as near to 1 as float32 lets them."""
    world = World.synthetic(0, users=10, items=10, dims=2, topics=2)
    one_topic = dataclasses.replace(world, topic=np.tile([1.0, 0.0], (10, 1)), thresholds=world.thresholds - 50.0)
    env = RecSysEnv(world=one_topic, behaviour="off", repeat=True, horizon=2000)
    records = play_alone(env, 0, np.zeros(1999, int))
    assert all(record[0] in env.observation_space for record in records)
    assert records[-1][0][F - 5 :].max() > 0.999


def test_the_space_is_the_documented_one(world):
    space = RecSysEnv(world=world).observation_space
    assert space.dtype == np.float32
    assert world.user_features.shape[1] == F
    np.testing.assert_array_equal(space.low, np.r_[np.full(F, -4.0), np.zeros(2 * G + 5)])
    np.testing.assert_array_equal(space.high, np.r_[np.full(F, 4.0), np.ones(2 * G + 5)])
