import numpy as np
import pytest

from recenv.envs import EnvConfig, RecSysEnv
from recenv.envs.rules import CALLABLE, SAME_STEP, UPLIFT, make_rules


def test_rules_carry_the_configuration_and_the_world(world):
    rules = make_rules(world, EnvConfig(reward="uplift", horizon=7, repeat=True, feedback="simulated"), SAME_STEP)[0]
    assert rules["reward"] == UPLIFT
    assert rules["horizon"] == 7
    assert rules["repeat"]
    assert not rules["hybrid"]
    assert rules["autoreset"] == SAME_STEP
    assert rules["trust_start"] == world.trust_start
    assert make_rules(world, EnvConfig(reward=len), 0)[0]["reward"] == CALLABLE


def test_an_item_shown_before_is_an_empty_position(world):
    env = RecSysEnv(world=world, behaviour="off")
    env.reset(seed=0)
    env.step(5)
    assert env.outcome[0]["item"] == 5
    _, reward, _, _, info = env.step(5)
    assert env.outcome[0]["item"] == -1
    assert reward == 0.0
    assert info["item"] == -1
    assert not info["consumed"]
    env.reset()
    assert env.step(5)[4]["item"] == 5  # the next episode starts afresh


def test_with_repeat_an_item_may_be_shown_again(world):
    env = RecSysEnv(world=world, behaviour="off", repeat=True)
    env.reset(seed=0)
    assert [env.step(5)[4]["item"] for _ in range(3)] == [5, 5, 5]


@pytest.mark.parametrize("repeat", [False, True])
def test_a_duplicate_in_a_slate_is_an_empty_position(world, repeat):
    env = RecSysEnv(world=world, behaviour="off", slate_size=4, horizon=3, repeat=repeat)
    env.reset(seed=0)
    _, reward, *_ = env.step(np.array([3, 8, 3, 8]))
    np.testing.assert_array_equal(env.outcome["item"], [3, 8, -1, -1])
    assert reward == env.outcome["rating"][:2].sum()


def test_an_empty_position_brings_nothing_and_is_not_examined(world):
    env = RecSysEnv(world=world, slate_size=2, horizon=3)
    env.reset(seed=0)
    env.step(np.array([3, 3]))
    empty = env.outcome[1].item()
    assert empty == (-1, False, False, False, False, False, False, False, 0, 0.0, 0.0, 0.0)


def test_masks_and_candidates_name_what_may_be_shown(world):
    env = RecSysEnv(world=world, slate_size=2, horizon=4, behaviour="off")
    env.reset(seed=0)
    assert env.action_masks().shape == (2 * 30,)
    assert env.action_masks().all()
    env.step(np.array([3, 11]))
    mask = env.action_masks().reshape(2, 30)
    np.testing.assert_array_equal(np.flatnonzero(~mask[0]), [3, 11])
    np.testing.assert_array_equal(mask[0], mask[1])
    batch = env.vectorised(2)
    batch.reset(seed=0)
    batch.step(np.array([[1, 2], [5, 5]]))
    np.testing.assert_array_equal(np.argwhere(batch.candidates() < 0), [[0, 1], [0, 2], [1, 5]])
    np.testing.assert_array_equal(batch.action_masks(), batch.candidates() == np.arange(30))


def test_a_policy_is_asked_with_the_observation_the_candidates_and_the_users(world):
    env = RecSysEnv(world=world, slate_size=2, horizon=4).vectorised(3)
    observation, info = env.reset(seed=5)
    request = env.request(observation)
    assert request.observation is observation
    assert request.candidates.shape == (3, 30)
    assert request.slate_size == 2
    np.testing.assert_array_equal(request.users, info["user"])


def test_with_repeat_everything_may_be_shown(world):
    env = RecSysEnv(world=world, repeat=True)
    env.reset(seed=0)
    env.step(3)
    assert env.action_masks().all()
