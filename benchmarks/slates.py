"""Which agent shows the best slates on MovieLens-100k's world.

    recenv data fetch ml-100k
    python benchmarks/slates.py [--quick] [--out FILE.json]

The world is fitted to the log; agents and features come from the first part of the log, sessions are played in the
world that keeps only the second part (`World.held_out`), with slates of 3 and the funnel on: a film is consumed when it
is clicked, and examined the less the lower it stands. Each seed trains each agent anew with its defaults and then plays
one greedy session (uniform: one random session) with each of the 943 users; within a seed all agents meet the same
noise.
"""

from __future__ import annotations

import argparse
import dataclasses
import sys
import time
from pathlib import Path
from typing import Any

import joblib
import numpy as np
from intervals import student_interval
from result_table import Row, markdown, publish

from recenv.agents import make_agent
from recenv.causal import World
from recenv.envs import EnvConfig, RecSysVectorEnv
from recenv.training import Sessions, default_steps, evaluate_sessions, train

NAMES = ("uniform", "popularity", "best_fixed", "diverse_greedy", "plackett_luce", "slateq", "reinforce")
STEPS, QUICK_STEPS = 10_000, 2_000
UNIT = "sum of ratings of what was clicked in a session"
QUESTION = """Mean over the seeds [95% Student interval over seeds]; reward `rating`, slates of 3, funnel 1, horizon 20,
otherwise the default behaviour. Training: 10,000 user steps on one thread, defaults of each
agent; they were chosen on seed 100, which is not among the seeds reported."""
HEADINGS = ("agent", "total rating a session", "minus popularity", "steps", "training, CPU s")


def play(name: str, config: EnvConfig, seed: int, most_steps: int) -> tuple[Sessions, float]:
    """Train an agent and return its sessions and the CPU seconds of training."""
    import torch

    torch.set_num_threads(1)
    env = RecSysVectorEnv(64, config)
    agent = make_agent(name, env.catalogue, seed=seed)
    begin = time.process_time()
    train(agent, env, min(default_steps(agent), most_steps), rng=np.random.default_rng([seed, 50]))
    seconds = time.process_time() - begin
    return evaluate_sessions(agent, config, seed=100_000 * (seed + 1)), seconds


def result_rows(played: dict[str, list[tuple[Sessions, float]]], config: dict[str, Any]) -> list[Row]:
    """Return one row an agent and metric, with intervals over seeds."""
    rows = []
    base = [sessions.session_reward for sessions, _ in played["popularity"]]
    for name, runs in played.items():
        total = [sessions.session_reward for sessions, _ in runs]
        metrics = {
            "session_reward": (total, UNIT),
            "minus_popularity": ([one - other for one, other in zip(total, base, strict=True)], UNIT),
            "session_length": ([float(sessions.length.mean()) for sessions, _ in runs], "steps"),
            "training_time": ([seconds for _, seconds in runs], "s"),
        }
        for metric, (values, unit) in metrics.items():
            rows.append(Row(name, metric, *student_interval(values), unit, config))
    return rows


def table_lines(rows: list[Row]) -> list[list[str]]:
    """Return the cells of the committed table, one line an agent."""
    cells = {(row.name, row.metric): row for row in rows}
    lines = []
    for name in NAMES:
        spread = [cells[name, metric] for metric in ("session_reward", "minus_popularity")]
        plain = [cells[name, metric] for metric in ("session_length", "training_time")]
        shown = [f"{cell.value:.2f} [{cell.low:.2f}, {cell.high:.2f}]" for cell in spread]
        lines.append([name, *shown, *(f"{cell.value:.1f}" for cell in plain)])
    return lines


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="two seeds and short training, nothing committed")
    parser.add_argument("--out", type=Path, help="JSON file for the rows")
    parser.add_argument("--jobs", type=int, default=1, help="trainings at a time, each in a process of its own")
    arguments = parser.parse_args()
    seeds, steps = (2, QUICK_STEPS) if arguments.quick else (5, STEPS)
    world = World.fit("ml-100k").held_out()
    config = EnvConfig(world=world, slate_size=3, behaviour=dataclasses.replace(world.behaviour, funnel=1.0))
    played: dict[str, list[tuple[Sessions, float]]] = {name: [] for name in NAMES}
    turns = [(name, seed) for seed in range(seeds) for name in NAMES]
    calls = (joblib.delayed(play)(name, config, seed, steps) for name, seed in turns)
    runs = joblib.Parallel(n_jobs=arguments.jobs, return_as="generator")(calls)
    for (name, seed), run in zip(turns, runs, strict=True):
        played[name].append(run)
        print(f"seed {seed}: {name} {run[0].session_reward:.2f}", file=sys.stderr, flush=True)
    rows = result_rows(played, {"world": "ml-100k", "slate_size": 3, "steps": steps, "seeds": seeds})
    publish(
        "slates",
        QUESTION,
        markdown(HEADINGS, table_lines(rows)),
        rows,
        packages=["recenv", "numpy", "torch", "numba"],
        out=arguments.out,
        write=not arguments.quick,
    )


if __name__ == "__main__":
    main()
