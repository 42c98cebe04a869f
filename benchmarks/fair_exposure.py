"""What fair exposure costs: the reward of whole sessions against the bound on the exposure gap.

A synthetic world of 1,000 users and 200 items; item groups are thirds of the catalogue by popularity in the log.
Agents learn from 80% of the users, unbounded, and are then bounded by `FairExposure` and measured on another 10%.

    python benchmarks/fair_exposure.py [--quick] [--out FILE.json]

Writes the picture `results/fair_exposure.png` beside the table.
"""

from __future__ import annotations

import argparse
import dataclasses
import sys
from pathlib import Path
from typing import Any

import numpy as np
from intervals import student_interval
from result_table import RESULTS, Row, markdown, publish

from recenv.agents import make_agent
from recenv.agents.fair_exposure import FairExposure, popularity_thirds
from recenv.causal import World
from recenv.envs import EnvConfig, RecSysVectorEnv
from recenv.fairness import Watched
from recenv.groups import Groups
from recenv.report.picture import GRID, SERIES, drawing, render
from recenv.sessions import evaluate_sessions
from recenv.training import train

BOUNDS = (0.0, 0.05, 0.1, 0.2, 0.3, 0.5, 1.0)
AGENTS = ("epsilon_greedy", "linucb", "popularity")
SLATES = (1, 3)
USERS, ITEMS, STEPS, QUICK_STEPS = 1_000, 200, 60_000, 2_000
ROUNDS = 5
SHELVES = ("rare", "middle", "popular")
QUESTION = """What does a bound on the exposure gap of item groups (thirds by popularity) cost in reward? Likes a
session, the same as a share of the unbounded agent's, and the gap that was measured [95% Student intervals over seeds].
Agents act greedily; a bound of 1 changes nothing. The uniform policy shows all groups alike without any knowledge."""

Key = tuple[str, int, float]


def measure(agent: Any, config: EnvConfig, groups: Groups, seed: int) -> tuple[float, float]:
    """Return the mean reward of a session, and the exposure gap."""
    watched = Watched(agent, groups)
    sessions = evaluate_sessions(watched, config, rounds=ROUNDS, seed=1_000_000 * (seed + 1))
    gap = watched.fairness(sessions.user, sessions.reward, None).exposure_gap
    return sessions.for_report()["value"], gap


def one_seed(seed: int, slate: int, steps: int) -> dict[Key, tuple[float, float]]:
    """Return (agent, slate, bound) -> (reward, gap) in one world."""
    world = World.synthetic(seed, users=USERS, items=ITEMS).held_out()
    learning = EnvConfig(world=world, slate_size=slate, reward="like", users="train")
    env = RecSysVectorEnv(64, learning)
    groups = Groups("popularity", SHELVES, popularity_thirds(env.catalogue.popularity))
    served = dataclasses.replace(learning, users="test")
    found = {("uniform", slate, 1.0): measure(make_agent("uniform", env.catalogue), served, groups, seed)}
    for name in AGENTS:
        agent = make_agent(name, env.catalogue, seed=seed)
        train(agent, env, steps if name != "popularity" else 0, rng=np.random.default_rng([seed, 7]))
        for bound in BOUNDS:
            found[name, slate, bound] = measure(FairExposure(agent, groups.code, bound), served, groups, seed)
    print(f"seed {seed}, {slate} items a step: done", file=sys.stderr, flush=True)
    return found


def summarise(found: list[dict[Key, tuple[float, float]]]) -> list[Row]:
    """Return rows of reward, price (share of the unbounded reward) and gap."""
    rows = []
    for key in found[0]:
        name, slate, bound = key
        free = ("uniform", slate, 1.0) if name == "uniform" else (name, slate, 1.0)
        columns = {
            "session_reward": ([one[key][0] for one in found], "likes"),
            "relative_reward": ([one[key][0] / one[free][0] for one in found], "share"),
            "exposure_gap": ([one[key][1] for one in found], "share"),
        }
        config = {"agent": name, "slate_size": slate, "max_gap": bound, "seeds": len(found)}
        for metric, (values, unit) in columns.items():
            rows.append(Row(f"{name}/{slate}/{bound:g}", metric, *student_interval(values), unit, config))
    return rows


def shown(row: Row) -> str:
    """Return a number with its interval."""
    return f"{row.value:.3f} [{row.low:.3f}, {row.high:.3f}]"


def draw(rows: list[Row]) -> bytes:
    """Return the price as a picture: relative reward over the bound, one line an agent and slate size."""
    from matplotlib.figure import Figure

    price = [row for row in rows if row.metric == "relative_reward" and row.config["agent"] != "uniform"]
    with drawing():
        figure = Figure(figsize=(9.0, 4.0), layout="constrained")
        axes = figure.add_subplot()
        for place, name in enumerate(AGENTS):
            for slate, line in zip(SLATES, ("-", "--"), strict=True):
                mine = [row for row in price if (row.config["agent"], row.config["slate_size"]) == (name, slate)]
                bounds = [row.config["max_gap"] for row in mine]
                label = f"{name}, {slate} item{'s' if slate > 1 else ''} a step"
                axes.plot(bounds, [row.value for row in mine], line, color=SERIES[place], marker="o", label=label)
                ends = [row.low for row in mine], [row.high for row in mine]
                axes.fill_between(bounds, *ends, color=SERIES[place], alpha=0.12, linewidth=0)
        axes.set(xlabel="bound on the exposure gap", ylabel="reward of a session, unbounded = 1")
        axes.grid(color=GRID, linewidth=0.8)
        figure.legend(loc="outside right upper")
    return render("fair_exposure", "Reward against the bound on the exposure gap", figure).png


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="two seeds and short training, nothing committed")
    parser.add_argument("--out", type=Path, help="JSON file for the rows")
    arguments = parser.parse_args()
    import torch

    torch.set_num_threads(1)
    seeds, steps = (2, QUICK_STEPS) if arguments.quick else (5, STEPS)
    found = [
        {key: value for slate in SLATES for key, value in one_seed(seed, slate, steps).items()} for seed in range(seeds)
    ]
    rows = summarise(found)
    by_name = {(row.name, row.metric): row for row in rows}
    lines = []
    for name in dict.fromkeys(row.name for row in rows):
        agent, slate, bound = name.split("/")
        metrics = ("session_reward", "relative_reward", "exposure_gap")
        numbers = [shown(by_name[name, metric]) for metric in metrics]
        lines.append([agent, slate, "none" if agent == "uniform" else bound, *numbers])
    headings = ["agent", "items a step", "bound", "likes a session", "relative", "measured gap"]
    table = markdown(headings, lines)
    if not arguments.quick:
        RESULTS.mkdir(exist_ok=True)
        (RESULTS / "fair_exposure.png").write_bytes(draw(rows))
        table += "\n\n![Reward against the bound on the exposure gap](fair_exposure.png)"
    publish(
        "fair_exposure", QUESTION, table, rows, packages=("recenv", "numpy", "torch"), out=arguments.out,
        write=not arguments.quick,
    )  # fmt: skip


if __name__ == "__main__":
    main()
