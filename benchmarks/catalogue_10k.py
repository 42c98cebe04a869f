"""Ten thousand items: what agents reach, how fast they train and act, and what memory they take.

    python benchmarks/catalogue_10k.py [--quick] [--out FILE.json]

A synthetic world of 10,000 items and 1,000 users; the reward is the rating. Each agent trains and is evaluated in a
process of its own, whose highest memory is told, the environment's included. One thread.
"""

from __future__ import annotations

import argparse
import multiprocessing
import resource
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
from intervals import student_interval
from result_table import Row, markdown, publish

from recenv.agents import make_agent
from recenv.causal import World
from recenv.envs import EnvConfig, RecSysVectorEnv
from recenv.training import evaluate_sessions, train

AGENTS: dict[str, dict[str, Any]] = {
    "dqn": {"replay_ratio": 8.0},
    "epsilon_greedy": {"scorer": "two_tower", "replay_ratio": 8.0},
    "linucb": {},
    "popularity": {},
}
ITEMS, USERS, STEPS = 10_000, 64, 20_000
TESTED = 200
"""Users of the evaluation."""
METRICS = ("session_reward", "training_speed", "acting_speed", "memory")
UNITS = ("reward a session", "user steps/s", "decisions/s", "MiB")


def play(name: str, seed: int, steps: int) -> tuple[float, float, float, float]:
    """Return reward a session, training steps a second, decisions a second and highest memory in MiB."""
    import torch

    torch.set_num_threads(1)
    config = EnvConfig(world=World.synthetic(seed, items=ITEMS), horizon=20)
    env = RecSysVectorEnv(USERS, config)
    agent = make_agent(name, env.catalogue, seed=seed, **AGENTS[name])
    train(agent, env, 2 * USERS, rng=np.random.default_rng(seed), eval_every=2 * USERS)
    begin = time.perf_counter()
    train(agent, env, steps, rng=np.random.default_rng([seed, 52]), eval_every=steps)
    trained = steps / (time.perf_counter() - begin)
    sessions = evaluate_sessions(agent, config, users=np.arange(TESTED), seed=100_000 * (seed + 1))
    request = env.request(env.reset(seed=seed)[0])
    begin = time.perf_counter()
    for _ in range(10):
        agent.act(request, rng=np.random.default_rng(0))
    acted = 10 * USERS / (time.perf_counter() - begin)
    return sessions.session_reward, trained, acted, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024.0


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="two seeds and 1,000 steps, nothing committed")
    parser.add_argument("--out", type=Path, help="JSON file for the rows")
    arguments = parser.parse_args()
    seeds, steps = (2, 1_000) if arguments.quick else (5, STEPS)
    rows, lines = [], []
    for name, options in AGENTS.items():
        runs = []
        for seed in range(seeds):
            with multiprocessing.get_context("spawn").Pool(1) as pool:
                runs.append(pool.apply(play, (name, seed, steps)))
        config = {"items": ITEMS, "steps": steps, "seeds": seeds, **options}
        found = [student_interval(list(column)) for column in zip(*runs, strict=True)]
        rows += [Row(name, m, *one, unit, config) for m, one, unit in zip(METRICS, found, UNITS, strict=True)]
        reward, *others = found
        lines.append(
            [name, f"{reward[0]:.2f} [{reward[1]:.2f}, {reward[2]:.2f}]", *(f"{one[0]:,.0f}" for one in others)]
        )
        print(f"{name}: {lines[-1][1]}", file=sys.stderr, flush=True)
    publish(
        "catalogue_10k",
        f"10,000 items, {steps:,} user steps of training, sessions of 20 steps; mean over {seeds} seeds [95% Student "
        "interval].",
        markdown(("agent", "reward a session", "training steps/s", "decisions/s", "highest MiB"), lines),
        rows,
        packages=["recenv", "numpy", "numba", "torch"],
        out=arguments.out,
        write=not arguments.quick,
    )


if __name__ == "__main__":
    main()
