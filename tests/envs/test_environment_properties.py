"""Random arguments and actions: nothing leaves its space or is NaN, and a slot of a batch is the environment alone."""

import numpy as np
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from recenv.envs import RecSysEnv, RecSysVectorEnv, TorchEnv
from recenv.envs.config import LOGGED_REWARDS, OBSERVATIONS, REWARDS
from recenv.envs.pools import items_of
from tests.envs.any_behaviour import ANY_BEHAVIOUR
from tests.envs.conformance_cases import MODES, WORLD
from tests.envs.episodes import assert_slot_equals_alone, play_alone, play_batch

BATCH, STEPS = 3, 9
SEEDS = st.integers(0, 2**32 - 1 - BATCH)


@st.composite
def options(draw):
    """Arguments of an environment that can be made: enough items for every session, a log where one is replayed."""
    logged = draw(st.booleans())
    items = "all" if logged else draw(st.sampled_from(["all", "warm", "cold"]))
    there = 3 if logged else int(items_of(WORLD, items).sum())
    repeat, horizon = draw(st.booleans()), draw(st.integers(1, 5))
    slate = draw(st.integers(1, 3))
    candidates = draw(st.integers(slate, 3)) if logged else draw(st.none() | st.integers(slate, 6))
    if not logged:
        repeat = repeat or slate * (horizon - 1) + (candidates or slate) > there
        candidates = candidates if candidates is None else max(slate, min(candidates, there))
    return {
        "world": WORLD,
        "feedback": "logged" if logged else draw(st.sampled_from(["hybrid", "simulated"])),
        "reward": draw(st.sampled_from(LOGGED_REWARDS if logged else REWARDS)),
        "observation": draw(st.sampled_from(OBSERVATIONS)),
        "slate_size": slate,
        "candidates": candidates,
        "horizon": horizon,
        "repeat": repeat,
        "behaviour": None if logged else draw(st.none() | st.just("off") | ANY_BEHAVIOUR),
        "users": draw(st.sampled_from(["all", "train", "validation", "test"])),
        "items": items,
        "mask_in_info": draw(st.booleans()),
    }


def random_actions(env, seed, narrow):
    """Actions (T, B) or (T, B, K); from few choices, so that items come again."""
    env.action_space.seed(seed)
    actions = np.stack([env.action_space.sample() for _ in range(STEPS)])
    return actions % 2 if narrow and actions.max(initial=0) > 1 else actions


@settings(max_examples=60, deadline=None, derandomize=True)
@given(options=options(), seed=SEEDS, mode=st.sampled_from(MODES), narrow=st.booleans())
def test_nothing_leaves_its_space_or_is_missing(options, seed, mode, narrow):
    env = RecSysVectorEnv(BATCH, autoreset_mode=mode, **options)
    observation, _ = env.reset(seed=seed)
    assert observation in env.observation_space
    for action in random_actions(env, seed, narrow):
        observation, reward, terminated, truncated, info = env.step(action)
        assert observation in env.observation_space
        assert np.isfinite(reward).all()
        assert not (terminated & truncated).any()
        assert np.isfinite([env.outcome[name] for name in ("rating", "attraction", "satisfaction")]).all()
        for slot in np.flatnonzero(info.get("_final_obs", [])):
            assert info["final_obs"][slot] in env.single_observation_space
        if mode is MODES[-1] and env.core.state.done.any():
            observation, _ = env.reset(options={"reset_mask": env.core.state.done.copy()})
            assert observation in env.observation_space


@settings(max_examples=60, deadline=None, derandomize=True)
@given(options=options(), seed=SEEDS, narrow=st.booleans())
def test_every_slot_equals_the_environment_alone(options, seed, narrow):
    batch = RecSysVectorEnv(BATCH, **options)
    actions = random_actions(batch, seed, narrow)
    together = play_batch(batch, seed, actions)
    for slot in range(BATCH):
        alone = play_alone(RecSysEnv(**options), seed + slot, actions[:, slot])
        assert_slot_equals_alone(together, slot, alone)


@settings(max_examples=25, deadline=None, derandomize=True)
@given(options=options(), seed=SEEDS, order=st.permutations(range(BATCH)), narrow=st.booleans())
def test_the_order_of_the_slots_does_not_matter(options, seed, order, narrow):
    one, two = RecSysVectorEnv(BATCH, **options), RecSysVectorEnv(BATCH, **options)
    actions, seeds = random_actions(one, seed, narrow), [seed + i for i in range(BATCH)]
    first = play_batch(one, seeds, actions)
    second = play_batch(two, [seeds[i] for i in order], actions[:, order])
    for before, after in zip(first, second, strict=True):
        for column, moved in zip(before[1:], after[1:], strict=True):
            np.testing.assert_array_equal(column[order], moved)


@settings(max_examples=25, deadline=None, derandomize=True)
@given(options=options(), seed=SEEDS, mode=st.sampled_from(MODES[:2]), narrow=st.booleans())
def test_tensors_hold_the_same_numbers(options, seed, mode, narrow):
    arrays, tensors = (made(BATCH, autoreset_mode=mode, **options) for made in (RecSysVectorEnv, TorchEnv))
    arrays.reset(seed=seed)
    tensors.reset(seed=seed)
    for action in random_actions(arrays, seed, narrow):
        *left, _ = arrays.step(action)
        *right, _ = tensors.step(torch.from_numpy(action))
        for one, two in zip(left, right, strict=True):
            for name in one if isinstance(one, dict) else [...]:
                np.testing.assert_array_equal(one[name], two[name].numpy())
