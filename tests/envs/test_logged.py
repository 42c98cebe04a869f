"""Replay of the log alone: every reward is a logged rating, and nothing is made up."""

import dataclasses

import gymnasium as gym
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env

from recenv.causal import Behaviour
from recenv.causal.abduction import abduct
from recenv.envs import RecSysEnv, RecSysVectorEnv
from recenv.protocol import Decision
from recenv.sessions import evaluate_sessions
from recenv.testing import check_vector_env

LOGGED = {"feedback": "logged", "candidates": 3}


def ratings(world):
    """(user, item) -> the logged rating."""
    pairs = world.pairs
    return {(int(u), int(a)): world.scale[v - 1] for u, a, v in zip(pairs.user, pairs.item, pairs.level, strict=True)}


def along_its_trajectory(world):
    """A world with strong dynamics, abducted with them on."""
    strong = Behaviour(boredom=4.0, drift=0.3, confounding=2.0, funnel=1.0, noise_correlation=0.5)
    return abduct(dataclasses.replace(world, behaviour=strong), ordered=True)


WORLDS = {
    "as it is": lambda world: world,
    "abducted along trajectories": along_its_trajectory,
    "held": lambda world: world.do(mood=2.0, satiation=1.0, trust=0.1),
    "second part": lambda world: world.held_out(),
}


@pytest.mark.parametrize("kind", WORLDS)
@pytest.mark.parametrize("reward", ["rating", "like"])
def test_every_reward_is_the_logged_rating(world, kind, reward):
    world = WORLDS[kind](world)
    log = ratings(world)
    env = RecSysVectorEnv(
        len(np.unique(world.pairs.user)), world=world, reward=reward, horizon=8, **{**LOGGED, "candidates": 1}
    )
    env.reset(seed=0, options={"users": np.unique(world.pairs.user)})
    met = 0
    for _ in range(40):
        fresh = env.core.state.done.copy()
        user, item = env.users, env.candidates()[:, 0]
        _, gained, *_ = env.step(np.zeros(env.num_envs, int))
        for i in np.flatnonzero(~fresh):
            value = log[int(user[i]), int(item[i])]
            assert gained[i] == (value if reward == "rating" else value >= world.scale[world.like_level - 1])
            met += 1
    assert met > 100


def test_nothing_is_made_up(world):
    env = RecSysVectorEnv(20, world=along_its_trajectory(world), **LOGGED)
    env.reset(seed=0)
    for _ in range(10):
        _, _, terminated, _, _ = env.step(np.zeros(20, int))
        seen = env.responses()
        assert not terminated.any()
        assert not seen["clicked"].any()
        assert not seen["purchased"].any()
        assert not env.outcome["uplift"].any()
        np.testing.assert_array_equal(seen["consumed"], env.outcome["item"] >= 0)


def test_a_session_ends_when_all_logged_items_were_shown(world):
    counts = np.bincount(world.pairs.user, minlength=world.n_users)
    env = RecSysEnv(world=world, **LOGGED)
    _, info = env.reset(seed=0)
    many = counts[info["user"]]
    assert 3 <= many < 20  # fewer than the horizon
    shown, sizes, done = [], [], False
    while not done:
        sizes.append(int(env.action_masks().sum()))
        *_, terminated, done, info = env.step(0)
        shown.append(info["item"])
    assert len(shown) == many
    assert not terminated
    assert sorted(shown) == sorted(world.pairs.item[world.pairs.user == info["user"]])
    assert sizes == [3] * (many - 2) + [2, 1]


def test_a_padded_place_shows_nothing_and_is_masked(world):
    env = RecSysEnv(world=world, **LOGGED)
    env.reset(seed=0)
    while env.action_masks().all():
        env.step(0)
    assert env.action_masks().tolist() == [True, True, False]
    _, reward, _, truncated, info = env.step(2)
    assert (reward, truncated, info["item"]) == (0.0, False, -1)
    assert env.action_masks().sum() == 2  # both are still there


def test_users_with_too_few_logged_items_take_no_part(world):
    counts = np.bincount(world.pairs.user, minlength=world.n_users)
    second = world.held_out()
    few = np.bincount(second.pairs.user, minlength=world.n_users)
    need = int(np.median(few))
    env = RecSysVectorEnv(200, world=second, feedback="logged", candidates=need + 1)
    env.reset(seed=0)
    assert 0 < len(env.core.pools.users) < world.n_users
    assert (few[env.users] > need).all()
    assert set(env.users) == set(np.flatnonzero(few > need))
    with pytest.raises(ValueError, match=rf"users\[0\] is {np.argmin(few)}, who takes no part here"):
        env.reset(options={"users": np.full(200, np.argmin(few))})
    with pytest.raises(ValueError, match=r"no user of world .* can take part.*lower candidates"):
        RecSysEnv(world=world, feedback="logged", candidates=int(counts.max()) + 1)


def test_a_world_without_a_log_is_refused(world):
    empty = dataclasses.replace(world, pairs=world.pairs.only(7))
    RecSysEnv(world=empty)  # hybrid needs none
    with pytest.raises(ValueError, match="has no logged ratings"):
        RecSysEnv(world=empty, **LOGGED)


def test_an_unlogged_item_has_no_reward_at_all(world):
    env = RecSysEnv(world=world, **LOGGED)
    _, info = env.reset(seed=0)
    own = world.pairs.item[world.pairs.user == info["user"]]
    other = np.setdiff1d(np.arange(world.n_items), own)
    assert (env.potential_outcomes()["item"][other] == -1).all()
    assert (env.potential_outcomes()["item"][own] == own).all()
    rewards = env.core.potential_rewards()[0]
    assert np.isnan(rewards[other]).all()
    assert rewards[own].tolist() == [ratings(world)[info["user"], int(a)] for a in own]
    assert np.isnan(env.expected_outcomes()["rating"][other]).all()
    np.testing.assert_allclose(env.expected_outcomes()["rating"][own], rewards[own], rtol=1e-9)
    env.step(0)
    with pytest.raises(ValueError, match=f"did not rate item {other[0]}, and nothing is simulated"):
        env.counterfactual(other[:1])
    assert env.counterfactual(own[:1]).reward[0] == rewards[own[0]]


def test_with_repeat_a_session_lasts_to_the_horizon(world):
    env = RecSysEnv(world=world, repeat=True, horizon=30, **LOGGED)
    env.reset(seed=0)
    for step in range(30):
        assert env.action_masks().all()
        truncated = env.step(0)[3]
        assert truncated == (step == 29)


@pytest.mark.parametrize("mode", ["NextStep", "SameStep", "Disabled"])
@pytest.mark.parametrize("options", [{}, {"slate_size": 2, "observation": "history"}])
def test_it_is_an_environment(world, mode, options):
    check_vector_env(
        lambda num_envs: RecSysVectorEnv(num_envs, world=world, autoreset_mode=mode, horizon=9, **LOGGED, **options),
        steps=25,
    )
    check_env(gym.make("RecSysReplay-v0", world=world, candidates=3, **options).unwrapped, skip_render_check=True)


class Best:
    """Knows the log and shows the candidate with the best rating."""

    def __init__(self, world):
        self.log = ratings(world)

    def act(self, request, *, rng, explore=True):
        value = [
            [self.log.get((int(u), int(a)), 0.0) for a in row]
            for u, row in zip(request.users, request.candidates, strict=True)
        ]
        place = np.argmax(value, axis=1)
        return Decision(request.candidates[np.arange(len(place)), place][:, None], np.ones(len(place)))


def test_whole_sessions_of_everyone_can_be_compared(world):
    env = RecSysEnv(world=world, horizon=2, **LOGGED)
    best = evaluate_sessions(Best(world), env)
    np.testing.assert_array_equal(best.user, env.core.pools.users)
    assert (best.length == 2).all()
    assert best.session_reward > 2 * np.mean([*ratings(world).values()])
