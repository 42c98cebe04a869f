"""What agents can be run in: any form of the environment, and nothing that would be left out in silence."""

import gymnasium as gym
import numpy as np
import pytest
from gymnasium.wrappers import RecordEpisodeStatistics, TransformReward

import recenv  # noqa: F401 (registers the ids)
from recenv.agents import make_agent
from recenv.batching import as_vector_env, config_of
from recenv.causal import World
from recenv.envs import EnvConfig, RecSysVectorEnv
from recenv.sessions import evaluate_sessions
from recenv.testing import check_agent
from recenv.training import train


@pytest.fixture(scope="module")
def world():
    return World.synthetic(0, users=40, items=20)


def test_an_environment_from_gym_make_trains_checks_and_evaluates_an_agent(world):
    env = gym.make("RecSys-v0", world=world, horizon=4)
    agent = make_agent("best_fixed", env.unwrapped.catalogue)
    check_agent(agent, env)
    curve = train(agent, env, 256, rng=np.random.default_rng(0))
    same = evaluate_sessions(agent, RecSysVectorEnv(3, world=world, horizon=4), seed=1)
    assert curve.steps[-1] == 256
    np.testing.assert_array_equal(evaluate_sessions(agent, env, seed=1).reward, same.reward)


def test_a_vector_environment_and_a_configuration_stay_what_they_are(world):
    config = EnvConfig(world=world, horizon=4)
    env = RecSysVectorEnv(3, config)
    assert as_vector_env(env) is env
    assert config_of(config) is config
    assert as_vector_env(config, 5).num_envs == 5


def test_a_wrapper_that_changes_nothing_is_accepted(world):
    env = RecordEpisodeStatistics(gym.make("RecSys-v0", world=world, horizon=4))
    assert config_of(env).horizon == 4


def test_a_wrapper_that_would_be_left_out_is_refused(world):
    env = TransformReward(gym.make("RecSys-v0", world=world), lambda reward: -reward)
    with pytest.raises(ValueError, match="wrapped in TransformReward"):
        config_of(env)


def test_an_environment_of_someone_else_is_refused():
    with pytest.raises(TypeError, match="CartPoleEnv, which is no environment of recenv"):
        as_vector_env(gym.make("CartPole-v1"))
