import dataclasses

import numpy as np
import pytest

from recenv.envs import RecSysEnv, RecSysVectorEnv


def test_every_users_logged_items_return_the_logged_ratings_exactly(world):
    env = RecSysEnv(world=world, behaviour="off", horizon=30)
    for user in range(world.n_users):
        history = world.pairs.history(user)
        env.reset(seed=user, options={"user": user})
        rewards = [env.step(int(item))[1] for item in history.item]
        np.testing.assert_array_equal(rewards, world.scale[history.level - 1])


def test_in_any_order_and_any_seed(world):
    history = world.pairs.history(4)
    backwards = history.item[::-1]
    env = RecSysVectorEnv(3, world=world, behaviour="off", horizon=30)
    env.reset(seed=[7, 0, 12345], options={"users": np.array([4, 4, 4])})
    for item, level in zip(backwards, history.level[::-1], strict=True):
        _, reward, *_ = env.step(np.full(3, item))
        np.testing.assert_array_equal(reward, world.scale[level - 1])


def test_simulated_feedback_does_not_use_the_log(world):
    noisier = dataclasses.replace(world, pairs=dataclasses.replace(world.pairs, noise=world.pairs.noise + 100.0))
    for feedback, same in (("hybrid", False), ("simulated", True)):
        found = []
        for each in (world, noisier):
            env = RecSysVectorEnv(1, world=each, feedback=feedback, behaviour="off")
            env.reset(seed=0, options={"users": np.array([4])})
            found.append(env.potential_outcomes()["satisfaction"])
        assert np.array_equal(*found) is same


def test_held_out_worlds_replay_the_second_part_only(world):
    pairs = world.pairs
    changed = dataclasses.replace(world, pairs=dataclasses.replace(pairs, noise=np.full(len(pairs), 50.0)))
    env = RecSysVectorEnv(len(pairs), world=changed.held_out(), behaviour="off", horizon=1)
    env.reset(seed=0, options={"users": pairs.user})
    env.step(pairs.item)
    np.testing.assert_array_equal(env.outcome["satisfaction"][:, 0] > 25, pairs.part == 1)


@pytest.mark.parametrize("shift", [0.0, 1.0])
def test_with_dynamics_a_logged_pair_keeps_its_noise_through_the_current_state(world, shift):
    """The user's mood is held, so satisfaction is the logged one plus the effect of the mood on that item."""
    user, item = int(world.pairs.user[0]), int(world.pairs.item[0])
    base = world.taste[user] @ world.embedding[item] + world.user_bias[user] + world.item_bias[item]
    env = RecSysEnv(world=world.do(mood=shift, boredom=0.0, confounding=0.7))
    env.reset(seed=0, options={"user": user})
    env.step(item)
    expected = base + world.pairs.noise[0] + 0.7 * np.tanh(shift) * world.comfort[item]
    assert env.outcome[0]["satisfaction"] == pytest.approx(expected, abs=1e-9)
