import numpy as np
import pytest
from gymnasium.vector import AutoresetMode
from numpy.testing import assert_array_equal
from stable_baselines3 import DQN, PPO
from stable_baselines3.common.vec_env import VecEnv, VecMonitor

from recenv import sb3
from recenv.causal import World
from recenv.envs import RecSysVectorEnv
from recenv.sb3 import RecSysVecEnv

USERS = 6


@pytest.fixture(scope="module")
def world() -> World:
    return World.synthetic(0, users=50, items=40, topics=4)


def test_it_goes_by_the_name_of_what_it_is(world):
    assert sb3.VecEnv is RecSysVecEnv
    assert isinstance(sb3.VecEnv(2, world=world), VecEnv)


def rows_equal(one, other):
    if isinstance(one, dict):
        assert set(one) == set(other)
        for key in one:
            assert_array_equal(one[key], other[key])
    else:
        assert_array_equal(one, other)


@pytest.mark.parametrize("observation", ["features", "history"])
@pytest.mark.parametrize("slate_size", [1, 2])
def test_it_plays_the_same_sessions_as_the_native_environment(world, observation, slate_size):
    options = {"world": world, "observation": observation, "slate_size": slate_size, "horizon": 5}
    mine = RecSysVecEnv(USERS, **options)
    native = RecSysVectorEnv(USERS, autoreset_mode=AutoresetMode.SAME_STEP, **options)
    mine.seed(7)
    rows_equal(mine.reset(), native.reset(seed=7)[0])
    rng, ended = np.random.default_rng(0), 0
    for _ in range(30):
        shape = (USERS,) if slate_size == 1 else (USERS, slate_size)
        actions = rng.integers(world.n_items, size=shape)
        seen, reward, done, infos = mine.step(actions)
        expected, gained, terminated, truncated, info = native.step(actions)
        rows_equal(seen, expected)
        assert_array_equal(reward, gained.astype(np.float32))
        assert_array_equal(done, terminated | truncated)
        for slot in np.flatnonzero(done):
            rows_equal(infos[slot]["terminal_observation"], info["final_obs"][slot])
            assert infos[slot]["TimeLimit.truncated"] == truncated[slot]
            ended += 1
    assert ended > 20


def test_a_finished_session_reports_its_total_and_length(world):
    env = RecSysVecEnv(USERS, world=world, horizon=5)
    env.seed(0)
    env.reset()
    rng, total, length, episodes = np.random.default_rng(0), np.zeros(USERS), np.zeros(USERS, int), []
    for taken in range(1, 21):
        _, reward, done, infos = env.step(rng.integers(world.n_items, size=USERS))
        total += reward
        length += 1
        for slot in range(USERS):
            if done[slot]:
                assert infos[slot]["episode"] == {"r": total[slot], "l": length[slot], "t": taken}
                episodes.append(length[slot])
                total[slot], length[slot] = 0, 0
            else:
                assert infos[slot] == {}
    assert max(episodes) == 5


def test_seeds_and_users_are_used_once(world):
    env = RecSysVecEnv(2, world=world)
    env.seed(3)
    env.set_options([{"user": 11}, {"user": 4}])
    env.reset()
    assert [info["user"] for info in env.reset_infos] == [11, 4]
    assert env.native.core.state.slot["episode"].tolist() == [0, 0]
    env.reset()
    assert env.native.core.state.slot["episode"].tolist() == [1, 1]
    assert env.native.core.state.slot["seed"].tolist() == [3, 4]


def test_action_masks_hide_what_was_shown_in_the_session(world):
    env = RecSysVecEnv(2, world=world, horizon=5)
    env.seed(0)
    env.reset()
    env.step(np.array([3, 8]))
    masks = np.stack(env.env_method("action_masks"))
    assert masks.shape == (2, world.n_items)
    assert np.argwhere(~masks).tolist() == [[0, 3], [1, 8]]
    assert_array_equal(env.env_method("action_masks", indices=[1])[0], masks[1])
    assert_array_equal(env.get_attr("action_masks", indices=0)[0](), masks[0])


def test_what_was_shown_is_kept_until_the_session_ends(world):
    env = RecSysVecEnv(2, world=world.do(leaving=0.0), horizon=2)
    env.reset()
    env.step(np.array([3, 8]))
    assert env.shown.tolist() == [[3, -1], [8, -1]]
    env.step(np.array([5, 6]))
    assert env.shown.tolist() == [[-1, -1], [-1, -1]]


def test_a_slates_mask_is_tiled(world):
    env = RecSysVecEnv(2, world=world, slate_size=3, horizon=5)
    env.reset()
    assert env.action_masks().shape == (2, 3 * world.n_items)


def test_other_methods_and_attributes_are_refused_by_name(world):
    env = RecSysVecEnv(2, world=world)
    with pytest.raises(AttributeError, match="no method 'counterfactual'"):
        env.env_method("counterfactual")
    with pytest.raises(AttributeError, match="'horizon'"):
        env.set_attr("horizon", 3)
    assert env.get_attr("num_envs") == [2, 2]
    assert env.env_is_wrapped(VecMonitor) == [False, False]


def test_stepping_before_reset_is_refused(world):
    with pytest.raises(RuntimeError, match=r"call reset\(\)"):
        RecSysVecEnv(2, world=world).step(np.array([0, 1]))


def test_actions_that_are_no_items_are_refused_with_their_place(world):
    env = RecSysVecEnv(2, world=world)
    env.reset()
    with pytest.raises(ValueError, match="action 40 of user 1"):
        env.step(np.array([0, 40]))


@pytest.mark.parametrize(("policy", "observation"), [("MlpPolicy", "features"), ("MultiInputPolicy", "history")])
def test_ppo_trains_on_it(world, policy, observation):
    env = RecSysVecEnv(8, world=world, observation=observation, horizon=5)
    model = PPO(policy, env, n_steps=16, batch_size=32, n_epochs=1, device="cpu", seed=0)
    before = [parameter.detach().clone() for parameter in model.policy.parameters()]
    model.learn(256)
    assert model.num_timesteps == 256
    assert any((a != b).any() for a, b in zip(before, model.policy.parameters(), strict=True))
    assert len(model.ep_info_buffer) > 30
    assert all(1 <= episode["l"] <= 5 for episode in model.ep_info_buffer)


def test_dqn_trains_on_it_under_a_monitor(world):
    env = VecMonitor(RecSysVecEnv(8, world=world, horizon=5))
    model = DQN("MlpPolicy", env, learning_starts=64, buffer_size=500, batch_size=16, target_update_interval=64, seed=0)
    model.learn(224)
    assert model.num_timesteps == 224
    assert model.replay_buffer.timeouts.sum() > 0


def test_an_unknown_option_of_a_slot_is_refused(world):
    env = RecSysVecEnv(2, world=world)
    env.set_options([{"user": 3}, {"users": 3}])
    with pytest.raises(ValueError, match="knows no option 'users'; it knows 'user'"):
        env.reset()
