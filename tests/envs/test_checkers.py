import warnings

import gymnasium as gym
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env

import recenv  # noqa: F401 (registers the ids)
from recenv.causal import Behaviour
from recenv.envs import RecSysEnv, RecSysVectorEnv

TABLE = {
    "default": {},
    "history": {"observation": "history"},
    "slate": {"slate_size": 3},
    "slate, history": {"slate_size": 2, "observation": "history", "reward": "click"},
    "clicks, repeat": {"reward": "click", "repeat": True, "behaviour": Behaviour(funnel=1.0)},
    "off": {"behaviour": "off", "reward": "like"},
    "simulated": {"feedback": "simulated", "reward": "satisfaction"},
    "uplift, multinomial": {"reward": "uplift", "slate_size": 2, "behaviour": Behaviour(choice="multinomial")},
    "purchase, cascade": {"reward": "purchase", "slate_size": 2, "behaviour": Behaviour(choice="cascade")},
    "two steps": {"horizon": 2},
    "function": {"reward": lambda outcome: outcome["rating"].sum(1)},
}


@pytest.mark.parametrize("options", TABLE.values(), ids=TABLE)
def test_gymnasiums_checker_passes(world, options):
    env = gym.make("RecSys-v0", world=world, **{"horizon": 8, **options})
    check_env(env.unwrapped, skip_render_check=True)


@pytest.mark.parametrize("options", TABLE.values(), ids=TABLE)
def test_stable_baselines3s_checker_passes(world, options):
    from stable_baselines3.common.env_checker import check_env as check_for_sb3

    with warnings.catch_warnings():
        # Advice, not errors: item ids and masks are integer boxes, which its own preprocessing takes as images or not.
        warnings.filterwarnings("ignore", category=UserWarning)
        check_for_sb3(RecSysEnv(world=world, **{"horizon": 8, **options}))


def test_make_needs_no_data_and_the_default_world_is_synthetic():
    env = gym.make("RecSys-v0")
    assert env.unwrapped.world.name == "synthetic-0"
    assert env.action_space == gym.spaces.Discrete(500)


@pytest.mark.parametrize("mode", ["vector_entry_point", None])
def test_make_vec_gives_the_native_environment(world, mode):
    env = gym.make_vec("RecSys-v0", num_envs=3, vectorization_mode=mode, world=world, horizon=5)
    assert isinstance(env.unwrapped, RecSysVectorEnv)
    observation, _ = env.reset(seed=1)
    assert observation in env.observation_space
    assert env.action_space.shape == (3,)


def test_registering_twice_changes_nothing():
    from recenv.envs.registration import register

    before = gym.registry["RecSys-v0"]
    register()
    assert gym.registry["RecSys-v0"] is before


def test_a_vector_of_single_environments_is_the_native_one(world):
    native = gym.make_vec("RecSys-v0", num_envs=4, vectorization_mode="vector_entry_point", world=world, horizon=5)
    loop = gym.make_vec("RecSys-v0", num_envs=4, vectorization_mode="sync", world=world, horizon=5)
    one, two = native.reset(seed=3)[0], loop.reset(seed=3)[0]
    np.testing.assert_array_equal(one, two)
    for actions in np.random.default_rng(0).integers(world.n_items, size=(14, 4)):
        left, right = native.step(actions)[:4], loop.step(actions)[:4]
        for a, b in zip(left, right, strict=True):
            np.testing.assert_array_equal(a, b)
