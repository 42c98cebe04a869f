"""Wrong use: each mistake has an error of its own, which names the argument, the value and the remedy."""

import dataclasses

import gymnasium as gym
import numpy as np
import pytest

from recenv.envs import RecSysEnv, RecSysVectorEnv, TorchEnv


@pytest.fixture
def env(world):
    env = RecSysEnv(world=world, horizon=3)
    env.reset(seed=0)
    return env


@pytest.fixture
def envs(world):
    envs = RecSysVectorEnv(2, world=world, horizon=3)
    envs.reset(seed=0)
    return envs


def test_an_action_out_of_range(env, envs):
    with pytest.raises(ValueError, match=r"action 30 of user 0 .* ids are 0 to 29"):
        env.step(30)
    with pytest.raises(ValueError, match=r"action -1 of user 1 .* ids are 0 to 29"):
        envs.step(np.array([3, -1]))
    few = RecSysEnv(world=env.world, candidates=4, horizon=3)
    few.reset(seed=0)
    with pytest.raises(ValueError, match=r"action 4 of user 0 at position 0 is not a candidate: places are 0 to 3"):
        few.step(4)


def test_a_number_beyond_64_signed_bits_is_named_as_it_is(env):
    with pytest.raises(ValueError, match=f"action {2**63 + 5} of user 0 .* ids are 0 to 29"):
        env.step(2**63 + 5)


@pytest.mark.parametrize("action", [1.0, np.float32(1), "1", None])
def test_an_action_of_wrong_dtype(env, action):
    with pytest.raises(TypeError, match="actions must be whole numbers"):
        env.step(action)


@pytest.mark.parametrize("action", [True, np.True_])
def test_a_boolean_action(env, action):
    with pytest.raises(TypeError, match=r"actions must be whole numbers .* bool"):
        env.step(action)


def test_an_action_of_wrong_shape(env, envs):
    with pytest.raises(ValueError, match=r"action must be one number, got shape \(2,\); slates need slate_size=K"):
        env.step([1, 2])
    slate = RecSysEnv(world=env.world, slate_size=2, horizon=3)
    slate.reset(seed=0)
    for action, shape in ((1, r"\(\)"), ([1], r"\(1,\)"), ([1, 2, 3], r"\(3,\)"), ([[1, 2]], r"\(1, 2\)")):
        with pytest.raises(ValueError, match=rf"action must have shape \(2,\), one number a position, got {shape}"):
            slate.step(action)
    with pytest.raises(ValueError, match=r"actions must have shape \(2,\), got \(\)"):
        envs.step(3)


@pytest.mark.parametrize("make", [RecSysEnv, lambda **options: RecSysVectorEnv(2, **options)])
def test_a_step_before_reset(world, make):
    with pytest.raises(RuntimeError, match=r"call reset\(\)"):
        make(world=world).step(0)


def test_a_step_after_the_end(env):
    for item in range(3):
        over = env.step(item)[3]
    assert over
    with pytest.raises(RuntimeError, match=r"the episode has ended.*call reset\(\)"):
        env.step(4)


def test_a_step_of_a_batch_with_an_ended_episode(world):
    envs = RecSysVectorEnv(2, world=world, horizon=1, autoreset_mode="Disabled")
    envs.reset(seed=0)
    envs.step([0, 1])
    with pytest.raises(RuntimeError, match="the episode of user 0 has ended: reset it with options"):
        envs.step([2, 3])


@pytest.mark.parametrize(
    ("wrong", "right"),
    [("candidate", "candidates"), ("user", "users"), ("mask_info", "mask_in_info"), ("obs", "observation")],
)
def test_an_unknown_argument_has_its_nearest_name_through_gymnasium_too(world, wrong, right):
    message = f"unknown argument '{wrong}' .did you mean '{right}'"
    with pytest.raises(TypeError, match=message):
        gym.make("RecSysSlate-v0", world=world, **{wrong: 1})
    with pytest.raises(TypeError, match=message):
        gym.make_vec("RecSys-v0", num_envs=2, vectorization_mode="vector_entry_point", world=world, **{wrong: 1})


def test_a_world_that_lacks_what_the_argument_needs(world):
    unrated = dataclasses.replace(world, pairs=world.pairs.only(7))
    RecSysEnv(world=unrated, feedback="hybrid")
    with pytest.raises(
        ValueError, match='no logged ratings, which feedback="logged" replays: use feedback="simulated"'
    ):
        RecSysEnv(world=unrated, feedback="logged", candidates=2)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"candidates": 31, "repeat": True}, "has 30 items; .* need 31: lower horizon or candidates"),
        ({"candidates": 2, "slate_size": 3}, "slate_size is 3, more than the 2 candidates"),
        ({"slate_size": 31, "repeat": True}, "has 30 items; .* need 31: lower horizon or slate_size"),
        ({"feedback": "logged"}, "pass candidates=C"),
    ],
)
def test_sizes_that_do_not_fit(world, options, message):
    with pytest.raises(ValueError, match=message):
        RecSysEnv(world=world, **options)


@pytest.mark.parametrize(
    ("reward", "message"),
    [
        (lambda outcome: outcome["rating"], r"must return 1 finite numbers, one a user; got shape \(1, 1\)"),
        (lambda outcome: 1.0, r"got shape \(\)"),
        (lambda outcome: np.full(len(outcome), np.nan), "with NaN or infinity"),
    ],
)
def test_a_reward_function_that_returns_something_else(world, reward, message):
    env = RecSysEnv(world=world, reward=reward)
    env.reset(seed=0)
    with pytest.raises(ValueError, match=message):
        env.step(0)


def test_an_unknown_option_of_reset(env, envs):
    with pytest.raises(ValueError, match="knows no option 'users'; it knows 'user'"):
        env.reset(options={"users": 3})
    with pytest.raises(ValueError, match="knows no option 'user'; it knows 'users'"):
        envs.reset(options={"user": 3})
    for one in (env, envs):
        with pytest.raises(TypeError, match=r"options must be a dict that may hold 'user.*got 3"):
            one.reset(options=3)


def test_gymnasiums_own_limit_of_steps_has_a_name_here(world):
    with pytest.raises(TypeError, match=r"unknown argument 'max_episode_steps' .did you mean 'horizon'"):
        gym.make_vec("RecSys-v0", num_envs=2, vectorization_mode="vector_entry_point", max_episode_steps=5)


@pytest.mark.parametrize(
    ("source", "error", "message"),
    [
        ("nowhere", FileNotFoundError, r"world 'nowhere' is neither .* make one from a ratings log: World.fit\(log\)"),
        (3, TypeError, 'world must be a World, "synthetic", "synthetic-SEED" or a folder, got int'),
    ],
)
def test_a_world_that_is_none(source, error, message):
    with pytest.raises(error, match=message):
        RecSysEnv(world=source)


def test_a_configuration_that_is_none():
    with pytest.raises(TypeError, match=r"config must be an EnvConfig, got \{'horizon': 3\}: pass its fields"):
        RecSysEnv({"horizon": 3})


@pytest.mark.parametrize("size", [0, -1, 2.0, "3", None, True])
def test_a_number_of_users_that_is_none(world, size):
    for make in (RecSysVectorEnv, TorchEnv):
        with pytest.raises(ValueError, match="num_envs must be a whole number, 1 or more; got"):
            make(size, world=world)


def test_an_unknown_autoreset_mode(world):
    with pytest.raises(ValueError, match="one of 'NextStep', 'SameStep', 'Disabled'; got 'same_step'"):
        RecSysVectorEnv(2, world=world, autoreset_mode="same_step")


@pytest.mark.parametrize(
    ("seed", "error"), [(3.0, TypeError), ("a", TypeError), ([1.0, 2.0], TypeError), ([1], ValueError)]
)
def test_seeds_that_are_none(envs, seed, error):
    with pytest.raises(error, match="seed"):
        envs.reset(seed=seed)


def test_a_state_that_is_none(env, envs):
    for one in (env, envs):
        with pytest.raises(TypeError, match=r"state must be what get_state\(\) returned, got int"):
            one.set_state(3)


def test_an_explanation_of_something_else(env):
    env.step(3)
    with pytest.raises(TypeError, match=r"decision must be the Decision that act\(\) returned, got int"):
        env.explain(decision=3)
    with pytest.raises(TypeError, match="reasons must be a text, or one text a user; got 3"):
        env.explain(reasons=3)


def test_tensors_that_cannot_be(world):
    with pytest.raises(ValueError, match='device must be "cpu" or "cuda", got \'gpu\''):
        TorchEnv(2, world=world, device="gpu")
    with pytest.raises(ValueError, match="render_mode must be None, got 'rgb_array'"):
        TorchEnv(2, world=world, render_mode="rgb_array")
    envs = TorchEnv(2, world=world)
    envs.reset(seed=0)
    for actions in (["a", "b"], None, [3, None]):
        with pytest.raises(TypeError, match="actions must be whole numbers, got dtype"):
            envs.step(actions)


@pytest.mark.parametrize("users", [[0.0, 1.0], [1], [0, 25], [-2, 0]])
def test_users_that_the_world_does_not_have(envs, users):
    with pytest.raises(ValueError, match="users"):
        envs.reset(options={"users": np.array(users)})
