"""Whether planning pays: return per user of DQN and PPO against agents that look at the next reward only.

    python benchmarks/long_term.py [--quick] [--out FILE.json]

The reward is a click. What is clicked is not what satisfies: users grow tired of topics (`boredom`, satiation), lose
trust with what disappoints them, and leave with it. An agent that counts clicks wears its users out; one that plans
can keep them. Trust follows quickly (`adapt` 0.3) and leaving falls steeply with it (`h0` 1, `h1` 8). Each seed draws a
world and trains each agent anew; then one greedy session with each of 1,000 users, under the same noise for all agents
of a seed. With satiation, trust and leaving off nothing is gained by planning, and nothing may be lost. Options were
chosen on seed 100, which is not among the seeds reported.
"""

from __future__ import annotations

import argparse
import dataclasses
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
from intervals import student_interval
from result_table import RESULTS, Row, markdown, publish

from recenv.agents import make_agent
from recenv.causal import World
from recenv.envs import EnvConfig, RecSysVectorEnv
from recenv.training import evaluate_sessions, train

PLANNERS: dict[str, dict[str, Any]] = {
    "dqn": {"gamma": 0.8, "replay_ratio": 32.0},
    "ppo": {"gamma": 0.8},
}
MYOPIC: dict[str, dict[str, Any]] = {
    "epsilon_greedy": {"replay_ratio": 16.0},
    "linucb": {},
    "popularity": {},
}
AGENTS = {**PLANNERS, **MYOPIC}
STRENGTHS = (0.0, 2.5, 5.0, 10.0)
"""Satiation (`Behaviour.boredom`) with trust and leaving on."""
OFF = "off"
"""Satiation, trust and leaving are off: nothing that is shown changes what comes later."""
HORIZON, USERS, STEPS = 50, 64, 60_000
QUESTION = """Clicks of a user in a session of at most 50 steps, mean over {seeds} seeds [95% Student interval], after
{steps:,} user steps of training; "over the best myopic": the difference, within a seed, to the best of epsilon_greedy,
linucb and popularity in that world on average."""


def make_config(seed: int, satiation: float | str) -> EnvConfig:
    """Return the world of a seed, with that strength of satiation."""
    world = World.synthetic(seed)
    strengths = {"adapt": 0.3, "h0": 1.0, "h1": 8.0}
    if satiation == OFF:
        strengths = dict.fromkeys(("boredom", "drift", "leaving", "adapt"), 0.0)
    else:
        strengths["boredom"] = float(satiation)
    behaviour = dataclasses.replace(world.behaviour, **strengths)
    return EnvConfig(world=world, behaviour=behaviour, reward="click", horizon=HORIZON, feedback="simulated")


def play(name: str, seed: int, satiation: float | str, steps: int) -> tuple[float, float]:
    """Train an agent and return its mean clicks and steps a session."""
    config = make_config(seed, satiation)
    env = RecSysVectorEnv(USERS, config)
    agent = make_agent(name, env.catalogue, seed=seed, **AGENTS[name])
    if name != "popularity":
        train(agent, env, steps, rng=np.random.default_rng([seed, 51]), eval_every=steps)
    sessions = evaluate_sessions(agent, config, seed=100_000 * (seed + 1))
    return sessions.session_reward, float(sessions.length.mean())


def rows_of(world: float | str, played: dict[str, list[tuple[float, float]]], steps: int) -> list[Row]:
    """Return clicks, session length and the planners' gain over the best myopic agent."""
    clicks = {name: np.array([run[0] for run in runs]) for name, runs in played.items()}
    best = max(MYOPIC, key=lambda name: clicks[name].mean())
    rows = []
    for name, runs in played.items():
        config = {"satiation": world, "steps": steps, "seeds": len(runs), "best_myopic": best, **AGENTS[name]}
        rows.append(Row(name, "session_reward", *student_interval(list(clicks[name])), "clicks", config))
        rows.append(Row(name, "session_length", *student_interval([run[1] for run in runs]), "steps", config))
        rows.append(
            Row(name, "over_best_myopic", *student_interval(list(clicks[name] - clicks[best])), "clicks", config)
        )
    return rows


def table_lines(rows: list[Row]) -> list[list[str]]:
    """Return the cells of the table, one line a world and agent."""
    cells = {(row.config["satiation"], row.name, row.metric): row for row in rows}
    lines = []
    for world, name in dict.fromkeys((row.config["satiation"], row.name) for row in rows):
        clicks, gain, length = (
            cells[world, name, metric] for metric in ("session_reward", "over_best_myopic", "session_length")
        )
        spread = [f"{one.value:.2f} [{one.low:.2f}, {one.high:.2f}]" for one in (clicks, gain)]
        lines.append([f"satiation {world}: {name}", *spread, f"{length.value:.1f}", clicks.config["best_myopic"]])
    return lines


def draw(rows: list[Row], path: Path) -> None:
    """Draw the planners' gain over the best myopic agent by the strength of satiation."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6, 4), layout="constrained")
    axes = figure.subplots()
    for name in PLANNERS:
        gains = [
            row
            for row in rows
            if row.name == name and row.metric == "over_best_myopic" and row.config["satiation"] != OFF
        ]
        middle = np.array([row.value for row in gains])
        ends = np.array([[row.value - row.low, row.high - row.value] for row in gains]).T
        axes.errorbar([row.config["satiation"] for row in gains], middle, ends, marker="o", capsize=3, label=name)
    axes.axhline(0.0, color="grey", linewidth=1)
    axes.set_xlabel("satiation (Behaviour.boredom)")
    axes.set_ylabel("value of planning: clicks a session\nover the best myopic agent [95% over seeds]")
    axes.legend(frameon=False)
    path.parent.mkdir(exist_ok=True)
    figure.savefig(path, dpi=120)


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="two seeds, two worlds, short training; nothing committed")
    parser.add_argument("--out", type=Path, help="JSON file for the rows")
    arguments = parser.parse_args()
    import torch

    torch.set_num_threads(1)
    seeds, steps = (2, 2_000) if arguments.quick else (5, STEPS)
    worlds: tuple[float | str, ...] = (OFF, 5.0) if arguments.quick else (OFF, *STRENGTHS)
    rows: list[Row] = []
    for world in worlds:
        begin = time.perf_counter()
        rows += rows_of(world, {name: [play(name, s, world, steps) for s in range(seeds)] for name in AGENTS}, steps)
        print(f"satiation {world}: {time.perf_counter() - begin:.0f} s", file=sys.stderr, flush=True)
    question = QUESTION.format(seeds=seeds, steps=steps)
    if not arguments.quick:
        draw(rows, RESULTS / "long_term.png")
        question += "\n\n![Value of planning](long_term.png)"
    publish(
        "long_term",
        question,
        markdown(("world and agent", "clicks", "over the best myopic", "steps", "best myopic"), table_lines(rows)),
        rows,
        packages=["recenv", "numpy", "numba", "torch", "stable-baselines3"],
        out=arguments.out,
        write=not arguments.quick,
    )


if __name__ == "__main__":
    main()
