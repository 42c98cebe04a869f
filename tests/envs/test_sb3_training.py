"""Stable-Baselines3 and sb3-contrib train on every id they support: one user or many, flat and dict observations."""

import numpy as np
import pytest
import torch
from sb3_contrib import MaskablePPO
from stable_baselines3 import DQN, PPO

from recenv.envs import RecSysEnv
from recenv.envs.registration import PRESETS
from recenv.sb3 import RecSysVecEnv
from tests.envs.conformance_cases import CASES

STEPS = 256
ON_POLICY = {"n_steps": 32, "batch_size": 32, "n_epochs": 1}
ALGORITHMS = {
    "DQN": (DQN, {"learning_starts": 32, "train_freq": 16, "batch_size": 32, "buffer_size": STEPS}),
    "PPO": (PPO, ON_POLICY),
    "MaskablePPO": (MaskablePPO, ON_POLICY),
}
TRAINED = [
    "default", "history", "candidates", "candidates, history", "slate", "slate, history", "slate, candidates, history",
    "replay", "replay, history", "uplift", "uplift, candidates, history",
]  # fmt: skip


@pytest.fixture(autouse=True)
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def make_env(name, users):
    options = CASES[name].options
    return RecSysEnv(**options) if users == 1 else RecSysVecEnv(users, **options)


def make_model(algorithm, env, history):
    made, options = ALGORITHMS[algorithm]
    policy = "MultiInputPolicy" if history else "MlpPolicy"
    return made(policy, env, policy_kwargs={"net_arch": [8]}, device="cpu", seed=0, **options)


def weights(model):
    return {name: value.clone() for name, value in model.policy.state_dict().items()}


def test_every_id_is_trained_on():
    assert {CASES[name].id for name in TRAINED} == set(PRESETS)


@pytest.mark.parametrize("users", [1, 4])
@pytest.mark.parametrize("name", TRAINED)
@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_it_trains(algorithm, name, users):
    if algorithm == "DQN" and CASES[name].options.get("slate_size", 1) > 1:
        pytest.skip("DQN takes Discrete actions only, a slate is MultiDiscrete")
    env = make_env(name, users)
    model = make_model(algorithm, env, "history" in name)
    before = weights(model)
    model.learn(STEPS)
    assert model.num_timesteps >= STEPS
    after = weights(model)
    assert any(not torch.equal(before[key], after[key]) for key in before)
    assert all(torch.isfinite(value).all() for value in after.values() if value.is_floating_point())
    assert len(model.ep_info_buffer) > 0


@pytest.mark.parametrize("name", ["default", "candidates", "replay"])
def test_maskable_ppo_shows_only_what_may_be_shown(name):
    env = make_env(name, 4)
    model = make_model("MaskablePPO", env, history=False)
    observation = env.reset()
    for _ in range(8):
        masks = env.action_masks()
        actions, _ = model.predict(observation, action_masks=masks)
        assert masks[np.arange(4), actions].all()
        observation, *_ = env.step(actions)
