"""Whether the learning agents beat popularity on MovieLens-100k's world, by a margin that seeds don't explain.

    recenv data fetch ml-100k
    python benchmarks/agents_ml100k.py [--quick] [--seeds N] [--out FILE.json]

The world is fitted to the log; agents and features come from the first part of the log, sessions are played in the
world that keeps only the second part (`World.held_out`). Each seed trains each agent anew and then plays one greedy
session (uniform: one random session) with each of the 943 users; within a seed all agents meet the same noise.
Hyper-parameters are the agents' defaults; they were chosen on seed 100, which is not among the seeds reported.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
from intervals import student_interval
from numpy.typing import NDArray
from result_table import Row, markdown, publish

from recenv.agents import ScoreAgent, make_agent
from recenv.causal import World
from recenv.envs import EnvConfig, RecSysVectorEnv
from recenv.protocol import Request
from recenv.training import Sessions, default_steps, evaluate_sessions, train

NAMES = ("uniform", "popularity", "best_fixed", "epsilon_greedy", "softmax", "dqn", "true_taste")
UNIT = "sum of ratings in a session"
QUESTION = """Mean over the seeds [95% Student interval over seeds]; reward `rating`, horizon 20, default behaviour.
All 943 users once a seed, under the same noise for all agents of a seed. The total of a session is the metric; the mean
of a step counts only users who are still there. `best_fixed` (the best ranking for everybody) and `true_taste` (each
user's own, blind to boredom) read the world: yardsticks, no competitors. Training on one thread."""
HEADINGS = ("agent", "total rating a session", "minus popularity", "mean rating a step", "steps", "training, s")


class TableAgent(ScoreAgent):
    """Scores by a table that was read from the world: no competitor, a yardstick.

    With one row it is the best fixed ranking (by the users' mean expected rating), with a row a user it knows
    everybody's true taste, but neither mood nor boredom.
    """

    training_steps = 0

    def __init__(self, table: NDArray[np.float64]) -> None:
        self.table = table

    def scores(self, request: Request) -> NDArray[np.float64]:
        """Return (B, C) entries of the table."""
        users = np.zeros(len(request.candidates), int) if len(self.table) == 1 else request.users
        return self.table[np.asarray(users)[:, None], request.candidates]


def expected_ratings(world: World) -> NDArray[np.float64]:
    """Return (U, N) the world's mean rating of every pair, without dynamics."""
    users, items = np.indices((world.n_users, world.n_items))
    return world.expected_rating(users.ravel(), items.ravel()).reshape(world.n_users, world.n_items)


def make_competitor(name: str, env: RecSysVectorEnv, table: NDArray[np.float64], seed: int) -> Any:
    """Return the agent of that name, untrained."""
    if name == "best_fixed":
        return TableAgent(table.mean(axis=0, keepdims=True))
    return TableAgent(table) if name == "true_taste" else make_agent(name, env.catalogue, seed=seed)


def play(name: str, config: EnvConfig, table: NDArray[np.float64], seed: int, quick: bool) -> tuple[Sessions, float]:
    """Train an agent and return its sessions and the seconds of training."""
    env = RecSysVectorEnv(64, config)
    agent = make_competitor(name, env, table, seed)
    steps = default_steps(agent)
    begin = time.perf_counter()
    train(agent, env, min(steps, 20_000) if quick else steps, rng=np.random.default_rng([seed, 50]))
    seconds = time.perf_counter() - begin
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
            "step_reward": ([sessions.step_reward for sessions, _ in runs], "rating"),
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
        spread = [cells[name, metric] for metric in ("session_reward", "minus_popularity", "step_reward")]
        plain = [cells[name, metric] for metric in ("session_length", "training_time")]
        shown = [f"{cell.value:.2f} [{cell.low:.2f}, {cell.high:.2f}]" for cell in spread]
        lines.append([name, *shown, *(f"{cell.value:.1f}" for cell in plain)])
    return lines


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="two seeds and short training, nothing committed")
    parser.add_argument("--seeds", type=int, default=5, help="how many seeds, 5 by default")
    parser.add_argument("--out", type=Path, help="JSON file for the rows")
    arguments = parser.parse_args()
    import torch

    torch.set_num_threads(1)
    seeds = 2 if arguments.quick else arguments.seeds
    world = World.fit("ml-100k").held_out()
    config, table = EnvConfig(world=world), expected_ratings(world)
    played: dict[str, list[tuple[Sessions, float]]] = {name: [] for name in NAMES}
    for seed in range(seeds):
        for name in NAMES:
            played[name].append(play(name, config, table, seed, arguments.quick))
            print(f"seed {seed}: {name} {played[name][-1][0].session_reward:.2f}", file=sys.stderr, flush=True)
    rows = result_rows(played, {"world": "ml-100k", "horizon": 20, "users": world.n_users, "seeds": seeds})
    publish(
        "agents_ml100k",
        QUESTION,
        markdown(HEADINGS, table_lines(rows)),
        rows,
        packages=["recenv", "numpy", "torch", "stable-baselines3", "gymnasium", "numba"],
        out=arguments.out,
        write=not arguments.quick,
    )


if __name__ == "__main__":
    main()
