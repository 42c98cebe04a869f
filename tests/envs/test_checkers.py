import warnings

import gymnasium as gym
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env

import recenv  # noqa: F401 (registers the ids)
from recenv.envs import RecSysEnv, RecSysVectorEnv, TorchEnv
from recenv.envs.registration import PRESETS
from recenv.testing import check_vector_env
from tests.envs.conformance_cases import CASES, MODES, WORLD

each_case = pytest.mark.parametrize("case", CASES.values(), ids=CASES)
each_mode = pytest.mark.parametrize("mode", MODES)


def test_every_id_has_its_cases():
    assert {case.id for case in CASES.values()} == set(PRESETS)


@each_case
def test_gymnasiums_checker_passes(case):
    if case.refused:
        pytest.skip(case.refused)
    env = gym.make(case.id, **{"world": WORLD, "horizon": 4, **case.arguments})
    check_env(env.unwrapped, skip_render_check=True)


@each_case
def test_stable_baselines3s_checker_passes(case):
    from stable_baselines3.common.env_checker import check_env as check_for_sb3

    with warnings.catch_warnings():
        # Advice, not errors: item ids and masks are integer boxes, which its own preprocessing takes as images or not.
        warnings.filterwarnings("ignore", category=UserWarning)
        check_for_sb3(RecSysEnv(**case.options))


@each_mode
@each_case
def test_our_checker_of_vector_environments_passes(case, mode):
    check_vector_env(lambda size: RecSysVectorEnv(size, autoreset_mode=mode, **case.options), num_envs=3, steps=26)


@each_mode
@each_case
def test_our_checker_passes_in_torch(case, mode):
    check_vector_env(lambda size: TorchEnv(size, autoreset_mode=mode, **case.options), num_envs=3, steps=26)


@each_case
def test_a_vector_of_single_environments_is_the_native_one(case):
    options = {"world": WORLD, "horizon": 4, **case.arguments}
    native = gym.make_vec(case.id, num_envs=3, vectorization_mode="vector_entry_point", **options)
    loop = gym.make_vec(case.id, num_envs=3, vectorization_mode="sync", **options)
    assert native.action_space == loop.action_space
    left, right = (native.reset(seed=3)[0],), (loop.reset(seed=3)[0],)
    native.action_space.seed(0)
    for _ in range(12):
        for one, two in zip(left, right, strict=True):
            assert_same(one, two)
        actions = native.action_space.sample()
        left, right = native.step(actions)[:4], loop.step(actions)[:4]


def assert_same(one, two):
    for name in one if isinstance(one, dict) else [...]:
        np.testing.assert_array_equal(one[name], two[name])


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
