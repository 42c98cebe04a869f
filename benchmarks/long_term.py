"""Whether planning pays: return per user of DQN against agents that look at the next reward only.

    python benchmarks/long_term.py [--quick] [--out FILE.json]

The reward is a click, and what is clicked is not what satisfies: the world is `benchmarks/interest_evolution.py`
(after SlateQ's, Ie et al. 2019, `ie2019slateq`), where interest is clicked and quality keeps users, here with one item
a step out of the whole catalogue. Satiation (`boredom`) is added to it: who is shown the same topic again likes it
less. Trust follows what is felt and leaving follows trust, so that an agent that counts clicks wears its users out,
and one that plans can keep them. The four strengths and "off" (no satiation, drift, trust or leaving: nothing that is
shown changes what comes later, so that nothing is gained by planning, and nothing may be lost) are otherwise one world.

`dqn, gamma 0` is the same learner with the same options, without planning. `oracle, myopic` reads the world and shows
the item that is most likely to be clicked; `oracle, satisfying` the one with the highest P(click) (1 + w E[rating]),
rating in [0, 1]: together they say what planning may be worth. Each seed draws a world and trains each agent anew;
then one greedy session with each of 1,000 users, under the same noise for all agents of a seed. World and options, w
too, were chosen on seed 100, which is not among the seeds reported.
"""

from __future__ import annotations

import argparse
import dataclasses
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
from interest_evolution import interest_world
from intervals import student_interval
from numpy.typing import NDArray
from result_table import RESULTS, Row, markdown, publish

from recenv.agents import make_agent
from recenv.causal import World
from recenv.envs import EnvConfig, RecSysVectorEnv
from recenv.training import evaluate_sessions, train

NETWORK = {"dims": 8, "dueling": True, "replay_ratio": 8.0, "weight_decay": 1.0}
AGENTS: dict[str, tuple[str, dict[str, Any]]] = {
    "dqn": ("dqn", {"gamma": 0.9, **NETWORK}),
    "dqn, gamma 0": ("dqn", {"gamma": 0.0, **NETWORK}),
    "epsilon_greedy": ("epsilon_greedy", {"replay_ratio": 16.0, "weight_decay": 1.0}),
    "linucb": ("linucb", {}),
    "popularity": ("popularity", {}),
}
PLANNER = "dqn"
MYOPIC = tuple(name for name in AGENTS if name != PLANNER)
ORACLES = {"oracle, myopic": 0.0, "oracle, satisfying": 8.0}
"""Weight of the expected rating."""
STRENGTHS = (0.0, 2.0, 4.0, 8.0)
"""Satiation (`Behaviour.boredom`) with trust and leaving on."""
OFF = "off"
"""Satiation, drift, trust and leaving are off: nothing that is shown changes what comes later."""
HORIZON, USERS, STEPS = 50, 64, 50_000
QUESTION = """Clicks of a user in a session of at most 50 steps, mean over {seeds} seeds [95% Student interval], after
{steps:,} user steps of training; "over the best myopic": the difference, within a seed, to the agent with gamma 0,
epsilon_greedy, linucb or popularity, whichever is best in that world on average. The oracles read the world: they are
no agents."""


def make_config(seed: int, satiation: float | str) -> EnvConfig:
    """Return the world of a seed, with that strength of satiation; an item's count is who would click it at first."""
    world = interest_world(seed)
    world = dataclasses.replace(world, item_counts=np.round(_logistic(world.taste @ world.embedding.T).sum(axis=0)))
    if satiation == OFF:
        strengths = dict.fromkeys(("boredom", "drift", "leaving", "adapt"), 0.0)
    else:
        strengths = {"boredom": float(satiation)}
    behaviour = dataclasses.replace(world.behaviour, **strengths)
    return EnvConfig(
        world=world, behaviour=behaviour, reward="click", horizon=HORIZON, repeat=True, feedback="simulated"
    )


def play(name: str, seed: int, satiation: float | str, steps: int) -> tuple[float, float]:
    """Train an agent and return its mean clicks and steps a session."""
    config = make_config(seed, satiation)
    env = RecSysVectorEnv(USERS, config)
    registered, options = AGENTS[name]
    agent = make_agent(registered, env.catalogue, seed=seed, **options)
    if registered != "popularity":
        train(agent, env, steps, rng=np.random.default_rng([seed, 51]), eval_every=steps)
    sessions = evaluate_sessions(agent, config, seed=100_000 * (seed + 1))
    return sessions.session_reward, float(sessions.length.mean())


def play_oracle(weight: float, seed: int, satiation: float | str) -> tuple[float, float]:
    """Return mean clicks and steps a session of one that shows the item with the highest `appeal`, under that noise."""
    config = make_config(seed, satiation)
    users = config.world.n_users
    env = RecSysVectorEnv(users, config)
    env.reset(seed=100_000 * (seed + 1), options={"users": np.arange(users)})
    clicks, length, alive = np.zeros(users), np.zeros(users), np.ones(users, bool)
    while alive.any():
        _, reward, terminated, truncated, _ = env.step(appeal(env, weight).argmax(axis=1))
        clicks[alive] += reward[alive]
        length[alive] += 1
        alive &= ~(terminated | truncated)
    return float(clicks.mean()), float(length.mean())


def appeal(env: RecSysVectorEnv, weight: float) -> NDArray[np.float64]:
    """Return (B, N) P(click) * (1 + weight * E[normalised rating]) in the users' present state."""
    world: World = env.core.world
    state, behaviour = env.core.state, world.behaviour
    affinity = state.taste @ world.embedding.T
    felt = affinity + world.item_bias - behaviour.boredom * (state.satiation @ world.topic.T)
    rating = np.mean([_logistic(felt - threshold) for threshold in world.thresholds], axis=0)
    return np.asarray(_logistic(behaviour.attract * affinity) * (1.0 + weight * rating))


def _logistic(x: NDArray[np.float64]) -> NDArray[np.float64]:
    return 1.0 / (1.0 + np.exp(-x))


def rows_of(world: float | str, played: dict[str, list[tuple[float, float]]], steps: int) -> list[Row]:
    """Return clicks, session length and the gain over the best myopic agent."""
    clicks = {name: np.array([run[0] for run in runs]) for name, runs in played.items()}
    best = max(MYOPIC, key=lambda name: clicks[name].mean())
    rows = []
    for name, runs in played.items():
        config = {"satiation": world, "steps": steps, "seeds": len(runs), "best_myopic": best}
        config |= AGENTS[name][1] if name in AGENTS else {"weight": ORACLES[name]}
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
    """Draw DQN's gain over the best myopic agent, and the satisfying oracle's over the myopic one, by satiation."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6, 4), layout="constrained")
    axes = figure.subplots()
    gains = [
        row
        for row in rows
        if row.name == PLANNER and row.metric == "over_best_myopic" and row.config["satiation"] != OFF
    ]
    middle = np.array([row.value for row in gains])
    ends = np.array([[row.value - row.low, row.high - row.value] for row in gains]).T
    axes.errorbar(STRENGTHS, middle, ends, marker="o", capsize=3, label="dqn over the best myopic agent")
    cells = {(row.name, row.config["satiation"]): row.value for row in rows if row.metric == "session_reward"}
    myopic, satisfying = ORACLES
    headroom = [cells[satisfying, strength] - cells[myopic, strength] for strength in STRENGTHS]
    axes.plot(STRENGTHS, headroom, marker=".", linestyle="--", label="satisfying oracle over myopic oracle")
    axes.axhline(0.0, color="grey", linewidth=1)
    axes.set_xlabel("satiation (Behaviour.boredom)")
    axes.set_ylabel("value of planning: clicks a session\n[95% over seeds]")
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
        played = {name: [play(name, seed, world, steps) for seed in range(seeds)] for name in AGENTS}
        for name, weight in ORACLES.items():
            played[name] = [play_oracle(weight, seed, world) for seed in range(seeds)]
        rows += rows_of(world, played, steps)
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
        packages=["recenv", "numpy", "numba", "torch"],
        out=arguments.out,
        write=not arguments.quick,
    )


if __name__ == "__main__":
    main()
