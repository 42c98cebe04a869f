"""Candidate sets and logged replay in Stable-Baselines3."""

import numpy as np
import pytest
from stable_baselines3.common.env_checker import check_env

from recenv.envs import RecSysEnv
from recenv.sb3 import RecSysVecEnv

CASES = [
    {"candidates": 4, "horizon": 5},
    {"candidates": 4, "horizon": 5, "slate_size": 2, "observation": "history"},
    {"candidates": 3, "horizon": 5, "feedback": "logged"},
]


@pytest.mark.parametrize("options", CASES)
def test_a_slot_is_the_environment_alone(world, options):
    many, alone = RecSysVecEnv(3, world=world, **options), RecSysEnv(world=world, **options)
    if "slate_size" not in options:
        check_env(alone)
    many.seed(7)
    observation = many.reset()
    single, _ = alone.reset(seed=8)
    assert many.action_masks().shape == (3, options["candidates"] * options.get("slate_size", 1))
    rng = np.random.default_rng(0)
    for _ in range(12):
        for name in observation if isinstance(observation, dict) else [...]:
            np.testing.assert_array_equal(observation[name][1], single[name])
        np.testing.assert_array_equal(many.action_masks()[1], alone.action_masks())
        actions = rng.integers(options["candidates"], size=(3, options.get("slate_size", 1)))
        actions = actions if "slate_size" in options else actions[:, 0]
        observation, reward, done, infos = many.step(actions)
        single, gained, terminated, truncated, _ = alone.step(actions[1])
        assert reward[1] == np.float32(gained)
        assert done[1] == (terminated or truncated)
        if done[1]:
            last = infos[1]["terminal_observation"]
            for name in last if isinstance(last, dict) else [...]:
                np.testing.assert_array_equal(last[name], single[name])
            single, _ = alone.reset()


def test_maskable_ppo_never_chooses_a_padded_place(world):
    from sb3_contrib import MaskablePPO

    env = RecSysVecEnv(4, world=world, **{**CASES[2], "horizon": 20})
    model = MaskablePPO("MlpPolicy", env, n_steps=16, batch_size=32, n_epochs=1, seed=0, device="cpu")
    chosen = []
    step = env.step_async
    env.step_async = lambda actions: (chosen.append(env.action_masks()[np.arange(4), actions]), step(actions))
    model.learn(128)
    assert np.all(chosen)
    assert len(chosen) >= 32
