import numpy as np
import pytest
from gymnasium.vector import AutoresetMode

from recenv.causal import Behaviour
from recenv.envs import RecSysEnv, RecSysVectorEnv

from .episodes import assert_equal_observations, rows

MODES = list(AutoresetMode)


def make(world, size=6, mode=AutoresetMode.NEXT_STEP, **options):
    return RecSysVectorEnv(size, world=world, autoreset_mode=mode, **{"horizon": 4, **options})


def actions_of(env, steps, seed=0):
    shape = (steps, *env.action_space.shape)
    return np.random.default_rng(seed).integers(env.world.n_items, size=shape)


@pytest.mark.parametrize("mode", MODES)
def test_the_mode_is_announced(world, mode):
    assert make(world, mode=mode).metadata["autoreset_mode"] is mode
    assert make(world, mode=mode.value).metadata["autoreset_mode"] is mode
    assert RecSysVectorEnv.metadata["autoreset_mode"] is AutoresetMode.NEXT_STEP


def test_next_step_starts_anew_in_a_step_of_its_own(world):
    env = make(world, behaviour="off", horizon=2)
    first, _ = env.reset(seed=0)
    env.step(np.full(6, 1))
    last, _, _, truncated, _ = env.step(np.full(6, 2))
    assert truncated.all()
    assert not np.array_equal(last, first)
    new, reward, terminated, truncated, info = env.step(np.full(6, 3))
    assert not reward.any()
    assert not terminated.any()
    assert not truncated.any()
    np.testing.assert_array_equal(new[:, -1], 1.0)  # first step of an episode
    np.testing.assert_array_equal(info["user"], env.users)
    assert info["_user"].all()
    assert np.all(env.outcome["item"] == -1)


@pytest.mark.parametrize("kind", ["features", "history"])
@pytest.mark.parametrize("slate_size", [1, 2])
def test_same_step_keeps_the_final_observation_that_next_step_returns(world, kind, slate_size):
    """Both modes play the same episodes; SAME_STEP only needs fewer steps."""
    options = {"observation": kind, "slate_size": slate_size}
    same, following = (make(world, mode=mode, **options) for mode in (AutoresetMode.SAME_STEP, AutoresetMode.NEXT_STEP))
    assert_equal_observations(same.reset(seed=3)[0], following.reset(seed=3)[0])
    for actions in actions_of(same, 4):  # within the first episode of every slot
        one, two = same.step(actions), following.step(actions)
        done = one[2] | one[3]
        np.testing.assert_array_equal(one[1], two[1])
        np.testing.assert_array_equal(done, two[2] | two[3])
        assert_equal_observations(rows(one[0], ~done), rows(two[0], ~done))
        if done.any():
            np.testing.assert_array_equal(one[4]["_final_obs"], done)
            for slot in np.flatnonzero(done):
                assert_equal_observations(one[4]["final_obs"][slot], rows(two[0], slot))
                assert one[4]["final_obs"][slot] in same.single_observation_space
            features = one[0] if kind == "features" else one[0]["features"]
            np.testing.assert_array_equal(features[done, -1], 1.0)
            break
    else:
        pytest.fail("no episode ended")


def test_same_step_says_nothing_of_slots_that_go_on(world):
    env = make(world, mode=AutoresetMode.SAME_STEP, behaviour="off")
    env.reset(seed=0)
    assert env.step(np.zeros(6, int))[4] == {}


def test_disabled_leaves_the_restart_to_the_caller(world):
    env = make(world, mode=AutoresetMode.DISABLED, behaviour=Behaviour(h0=0.5, h1=0.0))
    env.reset(seed=0)
    observation, _, terminated, _, info = env.step(np.arange(6))
    assert info == {}
    assert 0 < terminated.sum() < 6
    with pytest.raises(RuntimeError, match=rf"the episode of user {int(terminated.argmax())} has ended"):
        env.step(np.arange(6))
    before = env.get_state()
    new, info = env.reset(options={"reset_mask": terminated})
    np.testing.assert_array_equal(new[~terminated], observation[~terminated])
    np.testing.assert_array_equal(new[terminated, -1], 1.0)
    after = env.get_state()
    for one, two in zip(before, after, strict=True):
        np.testing.assert_array_equal(one[~terminated], two[~terminated])
    np.testing.assert_array_equal(info["user"], env.users)
    np.testing.assert_array_equal(after.slot["episode"], terminated.astype(int))
    env.step(np.arange(6))


def test_a_masked_restart_equals_the_autoreset(world):
    masked, automatic = make(world, mode=AutoresetMode.DISABLED), make(world)
    masked.reset(seed=8)
    automatic.reset(seed=8)
    done = np.zeros(6, bool)
    for actions in actions_of(masked, 12):
        if done.any():
            masked.reset(options={"reset_mask": done})
            continue_with = done.copy()
        else:
            continue_with = done
        seen = automatic.step(actions)
        state = masked.get_state()
        one = masked.step(actions)
        # In NEXT_STEP the slots that start anew spend this step on it; put the others beside each other.
        going = ~continue_with
        np.testing.assert_array_equal(one[1][going], seen[1][going])
        if continue_with.any():
            fresh = masked.get_state()
            for mine, kept in zip(fresh, state, strict=True):
                mine[continue_with] = kept[continue_with]
            masked.set_state(fresh)
        done = seen[2] | seen[3]
        np.testing.assert_array_equal(masked.get_state().done, done)


def test_a_first_masked_reset_seeds_every_slot(world):
    env = make(world, mode=AutoresetMode.DISABLED)
    env.reset(seed=None, options={"reset_mask": np.array([True, False, False, True, False, False])})
    env.reset(options={"reset_mask": ~np.array([True, False, False, True, False, False])})
    assert len(set(env.get_state().mood)) == 6


def test_a_masked_reset_with_a_seed_seeds_only_those_slots(world):
    env = make(world, mode=AutoresetMode.DISABLED)
    env.reset(seed=0)
    mask = np.array([False, True, False, False, False, False])
    env.reset(seed=100, options={"reset_mask": mask})
    np.testing.assert_array_equal(env.get_state().slot["seed"], [0, 101, 2, 3, 4, 5])


def test_seeds_may_be_given_one_a_slot(world):
    env = make(world)
    one, _ = env.reset(seed=[5, 6, 7, 8, 9, 10])
    np.testing.assert_array_equal(one, make(world).reset(seed=5)[0])
    twins, _ = env.reset(seed=[5] * 6)
    assert np.all(twins == twins[0])


def test_users_may_be_chosen_and_minus_one_draws(world):
    env = make(world)
    drawn = env.reset(seed=0)[1]["user"]
    _, info = env.reset(seed=0, options={"users": np.array([3, -1, 24, -1, 0, 0])})
    np.testing.assert_array_equal(info["user"], [3, drawn[1], 24, drawn[3], 0, 0])
    np.testing.assert_array_equal(env.users, info["user"])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"users": [1, 2]}, r"users must be 6 whole numbers, got int64 of shape \(2,\)"),
        ({"users": [0.0] * 6}, "users must be 6 whole numbers, got float64"),
        ({"users": [0, 0, 25, 0, 0, 0]}, r"users\[2\] is 25; the world has users 0 to 24"),
        ({"reset_mask": [True] * 5}, "reset_mask must be 6 booleans"),
        ({"reset_mask": [1] * 6}, "reset_mask must be 6 booleans"),
        ({"user": 3}, "no option 'user'; it knows 'users' and 'reset_mask'"),
    ],
)
def test_a_bad_option_is_refused(world, options, message):
    with pytest.raises(ValueError, match=message):
        make(world).reset(seed=0, options=options)


@pytest.mark.parametrize("mode", MODES)
def test_stepping_before_a_reset_is_refused(world, mode):
    with pytest.raises(RuntimeError, match=r"call reset\(\) before step\(\)"):
        make(world, mode=mode).step(np.zeros(6, int))


@pytest.mark.parametrize(
    ("size", "options", "message"),
    [(0, {}, "num_envs must be a whole number, 1 or more; got 0"), (2, {"render_mode": "film"}, "None or one of human"),
     (2, {"autoreset_mode": "Sometimes"}, "Sometimes")],
)  # fmt: skip
def test_arguments_that_cannot_work_are_refused(world, size, options, message):
    with pytest.raises(ValueError, match=message):
        RecSysVectorEnv(size, world=world, **options)


def test_returned_arrays_are_not_overwritten_by_the_next_step(world):
    env = make(world, observation="history")
    observation, info = env.reset(seed=0)
    kept = [(observation, info["user"])]
    copies = [({name: column.copy() for name, column in observation.items()}, info["user"].copy())]
    for actions in actions_of(env, 9):
        observation, *results, _ = env.step(actions)
        kept.append((observation, *results))
        copies.append(({name: column.copy() for name, column in observation.items()}, *(r.copy() for r in results)))
    for mine, copy in zip(kept, copies, strict=True):
        assert_equal_observations(mine[0], copy[0])
        for one, two in zip(mine[1:], copy[1:], strict=True):
            np.testing.assert_array_equal(one, two)


def test_a_state_of_the_batch_can_be_branched_from(world):
    env = make(world)
    env.reset(seed=0)
    plan = actions_of(env, 10)
    env.step(plan[0])
    state = env.get_state()
    first = [env.step(actions)[1] for actions in plan]
    env.set_state(state)
    np.testing.assert_array_equal(first, [env.step(actions)[1] for actions in plan])


def test_a_single_environment_makes_a_vector_of_its_configuration(world):
    env = RecSysEnv(world=world, horizon=3, reward="like").vectorised(5)
    assert env.num_envs == 5
    assert env.config.reward == "like"
