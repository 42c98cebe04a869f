import copy

import numpy as np
import pytest

from recenv.envs import RecSysEnv

from .episodes import assert_equal_observations


@pytest.fixture
def env(world):
    return RecSysEnv(world=world, horizon=3, behaviour="off")


def test_stepping_before_a_reset_is_refused(env):
    with pytest.raises(RuntimeError, match=r"call reset\(\) before step\(\)"):
        env.step(0)


def test_stepping_after_the_end_is_refused(env):
    env.reset(seed=0)
    ends = [env.step(item)[2:4] for item in range(3)]
    assert ends == [(False, False), (False, False), (False, True)]
    with pytest.raises(RuntimeError, match="the episode has ended"):
        env.step(3)
    env.reset()
    env.step(3)


def test_a_user_can_be_chosen(env):
    for user in (0, 24):
        _, info = env.reset(seed=5, options={"user": user})
        assert info == {"user": user}
    assert env.step(1)[4]["user"] == 24


def test_minus_one_draws_the_user_of_the_episode(env):
    drawn = env.reset(seed=5)[1]
    assert env.reset(seed=5, options={"user": -1})[1] == drawn


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"user": 25}, r"user must be a whole number, 0 to 24 \(-1 draws one\); got 25"),
        *(({"user": user}, "user must be a whole number") for user in (-2, 1.0, "u1", True, [3])),
        ({"users": 1}, "no option 'users'; it knows 'user'"),
    ],
)
def test_a_bad_option_is_refused(env, options, message):
    with pytest.raises(ValueError, match=message):
        env.reset(seed=0, options=options)


def test_a_negative_seed_is_refused(env):
    with pytest.raises(Exception, match=r"[Ss]eed"):
        env.reset(seed=-1)


def test_a_reset_without_a_seed_still_works(env):
    one, two = RecSysEnv(config=env.config), RecSysEnv(config=env.config)
    one.reset()
    two.reset()
    assert one.get_state().mood[0] != two.get_state().mood[0]


def test_a_state_can_be_branched_from(world):
    env = RecSysEnv(world=world.do(leaving=0.0))
    env.reset(seed=1)
    env.step(3)
    state = env.get_state()
    first = [env.step(item) for item in (4, 5, 6)]
    env.set_state(state)
    for one, two in zip(first, [env.step(item) for item in (4, 5, 6)], strict=True):
        np.testing.assert_array_equal(one[0], two[0])
        assert one[1:] == two[1:]
    env.set_state(state)
    assert env.step(7)[4]["item"] == 7


def test_a_kept_state_does_not_change_with_the_environment(world):
    env = RecSysEnv(world=world)
    env.reset(seed=1)
    state = env.get_state()
    copies = [column.copy() for column in state]
    env.step(3)
    for one, two in zip(state, copies, strict=True):
        np.testing.assert_array_equal(one, two)


@pytest.mark.parametrize("kind", ["features", "history"])
def test_observations_are_not_shared_between_steps(world, kind):
    env = RecSysEnv(world=world, observation=kind)
    first, _ = env.reset(seed=1)
    kept = copy.deepcopy(first)
    second = env.step(3)[0]
    assert_equal_observations(first, kept)
    kept = copy.deepcopy(second)
    env.reset()
    assert_equal_observations(second, kept)


def test_a_slate_is_reported_item_by_item(world):
    env = RecSysEnv(world=world, slate_size=2, behaviour="off", horizon=3)
    env.reset(seed=0)
    info = env.step(np.array([4, 4]))[4]
    np.testing.assert_array_equal(info["item"], [4, -1])
    np.testing.assert_array_equal(info["consumed"], [True, False])
    assert info["rating"][1] == 0.0
    assert info["rating"][0] == env.outcome["rating"][0]


def test_the_catalogue_fits_the_observation(env):
    assert env.catalogue.observation_size == env.observation_space.shape[0]
    assert env.catalogue.n_items == env.action_space.n
