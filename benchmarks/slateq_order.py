"""Whether planning with slates pays, and random < myopic < SARSA < Q-learning holds, where interests evolve.

    python benchmarks/slateq_order.py [--quick] [--out FILE.json]

The order is that of SlateQ's table (Ie et al. 2019, `ie2019slateq`: returns 159.2, 166.3, 168 to 172, 173 to 175); the
world is set up like its own, `benchmarks/interest_evolution.py` says how. Each seed draws a world and trains each
agent anew; then four greedy sessions (random: four random ones) with each of 1,000 users, under the same noise for all
agents of a seed. All three are `slateq` and differ in one option each: myopic has gamma 0, SARSA has target "sarsa".
World (how fast trust moves, how leaving follows it) and options were chosen on seed 100, which is not among the seeds
reported.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

import numpy as np
from interest_evolution import interest_world
from intervals import student_interval
from result_table import Row, markdown, publish

from recenv.agents import make_agent
from recenv.envs import EnvConfig, RecSysVectorEnv
from recenv.training import evaluate_sessions, train

PLANNING = {
    "gamma": 0.95, "epsilon": 0.1, "epsilon_steps": 5_000, "learning_rate": 1e-3, "weight_decay": 0.5, "width": 32,
    "batch_size": 512, "replay_ratio": 4.0, "replay_size": 100_000, "interaction": 0.03, "own": 0.1,
}  # fmt: skip
AGENTS: dict[str, tuple[str, dict[str, Any]]] = {
    "random": ("uniform", {}),
    "myopic": ("slateq", {**PLANNING, "gamma": 0.0}),
    "sarsa": ("slateq", {**PLANNING, "target": "sarsa"}),
    "q_learning": ("slateq", PLANNING),
}
STEPS = 60_000
HEADINGS = ("agent", "clicks a session", "minus the one above", "seeds in which it is above it", "steps a session")
QUESTION = """Mean over the seeds [95% Student interval over seeds]; reward: clicks, slates of 3 out of 10 candidates,
at most 200 steps, 60,000 user steps of training. The interval of a difference is of differences within a seed."""


def play(name: str, seed: int, steps: int) -> tuple[float, float]:
    """Train an agent and return its mean clicks and steps a session."""
    config = EnvConfig(
        world=interest_world(seed), reward="click", slate_size=3, candidates=10, horizon=200, repeat=True,
        feedback="simulated",
    )  # fmt: skip
    env = RecSysVectorEnv(128, config)
    registered, options = AGENTS[name]
    agent = make_agent(registered, env.catalogue, seed=seed, **options)
    if registered != "uniform":
        train(agent, env, steps, rng=np.random.default_rng([seed, 50]))
    sessions = evaluate_sessions(agent, config, rounds=4, seed=100_000 * (seed + 1))
    return sessions.session_reward, float(sessions.length.mean())


def result_rows(played: dict[str, list[tuple[float, float]]], config: dict[str, Any]) -> list[Row]:
    """Return one row an agent and metric, with intervals over seeds."""
    rows, before = [], None
    for name, runs in played.items():
        clicks = [run[0] for run in runs]
        rows.append(Row(name, "session_reward", *student_interval(clicks), "clicks", config))
        rows.append(Row(name, "session_length", *student_interval([run[1] for run in runs]), "steps", config))
        if before is not None:
            gain = [one - other for one, other in zip(clicks, before, strict=True)]
            rows.append(Row(name, "minus_the_one_above", *student_interval(gain), "clicks", config))
            above = float(np.sum(np.array(gain) > 0))
            rows.append(Row(name, "seeds_above", above, above, above, "seeds", config))
        before = clicks
    return rows


def table_lines(rows: list[Row], seeds: int) -> list[list[str]]:
    """Return the cells of the committed table, one line an agent."""
    cells = {(row.name, row.metric): row for row in rows}

    def spread(name: str, metric: str) -> str:
        cell = cells.get((name, metric))
        return "" if cell is None else f"{cell.value:.2f} [{cell.low:.2f}, {cell.high:.2f}]"

    lines = []
    for name in AGENTS:
        above = cells.get((name, "seeds_above"))
        count = "" if above is None else f"{above.value:.0f} of {seeds}"
        gain = spread(name, "minus_the_one_above")
        lines.append([name, spread(name, "session_reward"), gain, count, spread(name, "session_length")])
    return lines


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="two seeds and short training, nothing committed")
    parser.add_argument("--out", type=Path, help="JSON file for the rows")
    arguments = parser.parse_args()
    import torch

    torch.set_num_threads(1)
    seeds, steps = (2, 3_000) if arguments.quick else (5, STEPS)
    played: dict[str, list[tuple[float, float]]] = {name: [] for name in AGENTS}
    for seed in range(seeds):
        for name in AGENTS:
            played[name].append(play(name, seed, steps))
            print(f"seed {seed}: {name} {played[name][-1][0]:.2f}", file=sys.stderr, flush=True)
    rows = result_rows(played, {"world": "interest_evolution", "steps": steps, "seeds": seeds})
    publish(
        "slateq_order",
        QUESTION,
        markdown(HEADINGS, table_lines(rows, seeds)),
        rows,
        packages=["recenv", "numpy", "torch", "numba"],
        out=arguments.out,
        write=not arguments.quick,
    )


if __name__ == "__main__":
    main()
