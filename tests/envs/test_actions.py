import numpy as np
import pytest
from gymnasium import spaces

from recenv.envs import RecSysEnv, RecSysVectorEnv
from recenv.envs.actions import action_space, checked_actions


def test_one_item_is_discrete_and_a_slate_multi_discrete():
    assert action_space(30, 1) == spaces.Discrete(30)
    assert action_space(30, 3) == spaces.MultiDiscrete([30, 30, 30])


@pytest.mark.parametrize("dtype", [np.int64, np.int32, np.uint8])
def test_whole_numbers_of_any_width_are_taken(dtype):
    found = checked_actions(np.array([3, 4], dtype), 2, 1, 30)
    assert found.dtype == np.int64
    np.testing.assert_array_equal(found, [[3], [4]])


@pytest.mark.parametrize(
    ("actions", "error", "message"),
    [
        ([0.0, 1.0], TypeError, "whole numbers .* float64"),
        ([True, False], TypeError, "whole numbers .* bool"),
        (["a", "b"], TypeError, "whole numbers"),
        ([1], ValueError, r"must have shape \(2,\), got \(1,\)"),
        ([[1, 2], [3, 4]], ValueError, r"must have shape \(2,\), got \(2, 2\)"),
        ([1, 30], ValueError, "action 30 of user 1 at position 0 is not an item: ids are 0 to 29"),
        ([-1, 3], ValueError, "action -1 of user 0"),
    ],
)
def test_actions_that_name_no_items_are_refused(world, actions, error, message):
    env = RecSysVectorEnv(2, world=world)
    env.reset(seed=0)
    before = env.get_state()
    with pytest.raises(error, match=message):
        env.step(actions)
    for one, two in zip(before, env.get_state(), strict=True):
        np.testing.assert_array_equal(one, two)


@pytest.mark.parametrize(
    ("slate_size", "action", "error"),
    [(1, 30, ValueError), (1, -1, ValueError), (1, 1.0, TypeError), (1, np.float64(2), TypeError), (1, True, TypeError),
     (1, None, TypeError), (1, [1, 2], ValueError), (2, 1, ValueError), (2, [1], ValueError), (2, [1, 30], ValueError),
     (2, [1, 2, 3], ValueError), (2, [0.5, 1.0], TypeError)],
)  # fmt: skip
def test_a_single_environment_refuses_them_too(world, slate_size, action, error):
    env = RecSysEnv(world=world, slate_size=slate_size, horizon=5)
    env.reset(seed=0)
    with pytest.raises(error):
        env.step(action)


@pytest.mark.parametrize("action", [5, np.int64(5), np.int32(5), np.uint16(5), np.array(5), np.array([5])])
def test_every_way_to_write_an_item_means_the_same(world, action):
    env = RecSysEnv(world=world)
    env.reset(seed=0)
    assert env.step(action)[4]["item"] == 5
