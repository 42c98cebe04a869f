"""The four ids are presets of one environment."""

import gymnasium as gym
import numpy as np
import pytest
from gymnasium import spaces
from gymnasium.utils.env_checker import check_env

import recenv  # noqa: F401 (registers the ids)
from recenv.envs import RecSysVectorEnv
from recenv.envs.registration import PRESETS, register

SPACES = {
    "RecSys-v0": spaces.Discrete(30),
    "RecSysSlate-v0": spaces.MultiDiscrete([30] * 5),
    "RecSysReplay-v0": spaces.Discrete(3),
    "RecSysUplift-v0": spaces.Discrete(30),
}
SMALL = {"RecSys-v0": {}, "RecSysSlate-v0": {"horizon": 5}, "RecSysReplay-v0": {"candidates": 3}, "RecSysUplift-v0": {}}


@pytest.mark.parametrize("name", PRESETS)
def test_each_id_makes_an_environment_alone_and_for_many(world, name):
    env = gym.make(name, world=world, **SMALL[name])
    assert env.action_space == SPACES[name]
    check_env(env.unwrapped, skip_render_check=True)
    envs = gym.make_vec(name, num_envs=3, vectorization_mode="vector_entry_point", world=world, **SMALL[name])
    assert isinstance(envs, RecSysVectorEnv)
    assert envs.single_action_space == SPACES[name]
    assert envs.config == env.unwrapped.config
    observations, _ = envs.reset(seed=4)
    observation, _ = env.reset(seed=5)
    np.testing.assert_array_equal(observations[1], observation)


def test_a_preset_is_nothing_but_arguments(world):
    for name, arguments in PRESETS.items():
        one = gym.make(name, world=world, **SMALL[name]).unwrapped.config
        other = gym.make("RecSys-v0", world=world, **{**arguments, **SMALL[name]}).unwrapped.config
        assert one == other


def test_arguments_win_over_presets(world):
    assert gym.make("RecSysSlate-v0", world=world, slate_size=2, horizon=9).unwrapped.config.slate_size == 2
    assert gym.make("RecSysUplift-v0", world=world, reward="click").unwrapped.config.reward == "click"


def test_the_default_world_is_large_enough_for_every_id():
    for name in PRESETS:
        gym.make(name).reset(seed=0)


def test_registering_again_changes_nothing():
    before = {name: gym.spec(name) for name in PRESETS}
    register()
    assert before == {name: gym.spec(name) for name in PRESETS}


def test_the_reward_of_uplift_is_what_recommending_caused(world):
    env = gym.make("RecSysUplift-v0", world=world).unwrapped
    env.reset(seed=0)
    for item in range(10):
        _, reward, terminated, _, _ = env.step(item)
        assert reward == env.outcome["uplift"].sum()
        if terminated:
            env.reset()
