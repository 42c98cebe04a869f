"""Run as a program: play `TorchEnv` and write all that it returned; see `test_torch_gpu.py`."""

import sys
from collections.abc import Mapping

import numpy as np
import torch

from recenv.causal import Behaviour, World
from recenv.envs import TorchEnv
from recenv.testing import check_vector_env

STEPS, BATCH = 9, 3
CASES = {
    "flat": {"autoreset_mode": "NextStep", "mask_in_info": True},
    "history, slate": {"autoreset_mode": "SameStep", "observation": "history", "slate_size": 2},
    "candidates": {"autoreset_mode": "SameStep", "candidates": 4, "mask_in_info": True},
    "candidates, history": {"autoreset_mode": "NextStep", "candidates": 4, "observation": "history", "slate_size": 2},
    "logged": {"autoreset_mode": "SameStep", "candidates": 3, "feedback": "logged"},
    "warm items, repeats": {"autoreset_mode": "Disabled", "items": "warm", "repeat": True, "mask_in_info": True},
}


def make_env(num_envs, device, case):
    world = World.synthetic(5, users=12, items=20, dims=3, topics=3)
    options = {"world": world, "horizon": 4, **CASES[case]}
    if options.get("feedback") != "logged":
        options["behaviour"] = Behaviour(funnel=1.0, drift=0.2, boredom=2.0, confounding=1.0, leaving=0.7, h0=1.0)
    return TorchEnv(num_envs, device=device, **options)


def leaves(value, name):
    """Tensors of a mapping of mappings, by name."""
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield from leaves(inner, f"{name} {key}")
    else:
        yield name, value.numpy()


def play(env, name):
    """Play random actions; a seed for each slot, and a masked reset where slots do not restart themselves."""
    env.action_space.seed(3)
    actions = [env.action_space.sample() for _ in range(STEPS)]
    observation, info = env.reset(seed=[7, 8, 9], options={"users": torch.tensor([-1, -1, -1])})
    found = dict(leaves({"observation": observation, "info": info}, f"{name} reset"))
    for t, action in enumerate(actions):
        observation, reward, terminated, truncated, info = env.step(torch.from_numpy(action))
        ended = info.get("_final_obs", torch.zeros(BATCH, dtype=torch.bool))
        if "final_obs" in info:
            info["final_obs"] = {key: value[ended] for key, value in leaves_as_tensors(info["final_obs"])}
        record = {"observation": observation, "reward": reward, "terminated": terminated, "truncated": truncated,
                  "info": info, "outcome": env.outcome}  # fmt: skip
        found |= dict(leaves(record, f"{name} {t}"))
        if env.metadata["autoreset_mode"].value == "Disabled" and (terminated | truncated).any():
            observation, _ = env.reset(options={"reset_mask": terminated | truncated})
            found |= dict(leaves({"observation": observation, "outcome": env.outcome}, f"{name} {t} anew"))
    return found


def leaves_as_tensors(observation):
    return observation.items() if isinstance(observation, Mapping) else [("flat", observation)]


def main(path, device):
    found = {}
    for case in CASES:
        found |= play(make_env(BATCH, device, case), case)
    if device == "cuda":
        check_vector_env(lambda num_envs: make_env(num_envs, device, "candidates"), num_envs=2, steps=8)
    np.savez(path, **found)


if __name__ == "__main__":
    main(*sys.argv[1:])
