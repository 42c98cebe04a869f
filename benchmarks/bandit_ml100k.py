"""The MovieLens-100K bandit task (`ml100k_task`): recenv's agents with their defaults, and peers tuned for it.

    recenv data fetch ml-100k
    python benchmarks/bandit_ml100k.py [--quick] [--out FILE.json] [--agents NAME ...]

Each agent plays 20,000 rounds of each stream, deciding for 50 users in a call and learning from them in one update. The
mean reward counts the rounds of learning too. Peers take the best of their settings on stream 100; that search and the
defaults of recenv's agents saw no other stream. "+ code" agents are given a fixed random code of the user.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bandit_peers import MABWiserPeer, TorchPeer, VowpalWabbitPeer
from intervals import student_interval
from ml100k_task import SEEDS, TUNING_SEED, USER_CODE, Played, Stream, Task, load_task, play
from result_table import Row, markdown, publish

from recenv.agents import agent_names, find_agent, make_agent
from recenv.protocol import Catalogue

Make = Callable[[Catalogue, int], Any]
APART = ("best_fixed", "log_replaying", "ips_learner", "dr_learner", "dm_learner", "dqn", "fair_exposure", "ppo")
"""Need a log first, or an environment that they train on; `dqn` plays with discount 0."""
OF_SLATES = ("diverse_greedy", "plackett_luce", "reinforce", "slateq")
"""Compared where slates are shown: `benchmarks/slates.py`."""


def contenders() -> list[str]:
    """Return the registered agents of recenv itself that learn round by round."""
    own = [name for name in agent_names() if ".adapters." not in find_agent(name).__module__]
    return [name for name in own if name not in (*APART, *OF_SLATES)]


def vw(arguments: str) -> Make:
    """Return the maker of a Vowpal Wabbit bandit."""
    return lambda catalogue, seed: VowpalWabbitPeer(catalogue, f"{arguments} --random_seed {seed}")


def mabwiser(alpha: float, l2: float) -> Make:
    """Return the maker of a MABWiser bandit."""
    return lambda catalogue, seed: MABWiserPeer(catalogue, alpha, l2)


def network(rate: float) -> Make:
    """Return the maker of a plain torch bandit."""
    return lambda catalogue, seed: TorchPeer(catalogue, seed, rate)


PEERS: dict[str, dict[str, Make]] = {
    "Vowpal Wabbit epsilon .05": {f"-l {rate}": vw(f"--epsilon 0.05 -l {rate}") for rate in (0.1, 0.5, 2.0, 8.0)},
    "Vowpal Wabbit SquareCB": {
        f"--gamma_scale {scale} -l {rate}": vw(f"--squarecb --gamma_scale {scale} -l {rate}")
        for scale in (10, 100, 1_000, 10_000, 100_000)
        for rate in (0.1, 0.5, 2.0, 8.0)
    },
    "MABWiser LinUCB": {f"alpha {a}, l2 {l2}": mabwiser(a, l2) for a in (0.25, 0.5) for l2 in (1.0, 5.0)},
    "torch network": {f"rate {rate}": network(rate) for rate in (1e-3, 3e-3)},
}


def tuned(settings: dict[str, Make], task: Task, rounds: int) -> tuple[str, Make]:
    """Return the setting with the highest reward on the tuning stream."""
    stream = task.stream(TUNING_SEED, rounds=rounds)
    rewards = {name: play(make(stream.catalogue, 0), stream).reward for name, make in settings.items()}
    best = max(rewards, key=lambda name: rewards[name])
    return best, settings[best]


def builtin(name: str) -> Make:
    """Return the maker of a registered agent with its defaults."""
    return lambda catalogue, seed: make_agent(name, catalogue, seed=seed)


def myopic_dqn(catalogue: Catalogue, seed: int) -> Any:
    """Return DQN as a bandit: 64 of 16 (the default), 32 and 64 uses of a row is the best on the tuning stream."""
    return make_agent("dqn", catalogue, seed=seed, gamma=0.0, replay_ratio=64.0)


def contestants(names: list[str]) -> dict[str, tuple[Make, int]]:
    """Return name -> (maker, numbers of the user's code) of recenv's agents."""
    found = {name: (builtin(name), 0) for name in names}
    if "epsilon_greedy" in names:
        found["epsilon_greedy + code"] = (builtin("epsilon_greedy"), USER_CODE)
        found["dqn, discount 0, each row used 64 times"] = (myopic_dqn, 0)
    return found


def rows_of(name: str, runs: list[Played], config: dict[str, Any]) -> list[Row]:
    """Return reward and speed of one agent."""
    return [
        Row(name, "reward", *student_interval([run.reward for run in runs]), "reward a round", config),
        Row(name, "speed", *student_interval([run.rate for run in runs]), "rounds/s", config),
    ]


def yardsticks(streams: list[Stream], config: dict[str, Any]) -> list[Row]:
    """Return the rewards of the best fixed ranking in hindsight and of the oracle."""
    fixed = student_interval([stream.best_fixed() for stream in streams])
    oracle = student_interval([float(stream.liked.max(axis=1).mean()) for stream in streams])
    return [
        Row(name, "reward", *found, "reward a round", config)
        for name, found in (("best fixed ranking in hindsight", fixed), ("oracle", oracle))
    ]


def lines_of(rows: list[Row]) -> list[list[str]]:
    """Return the cells of the table, one line an agent."""
    speed = {row.name: f"{row.value:,.0f}" for row in rows if row.metric == "speed"}
    shown = [row for row in rows if row.metric == "reward"]
    return [
        [
            row.name, f"{row.value:.4f} [{row.low:.4f}, {row.high:.4f}]", speed.get(row.name, ""),
            str(row.config.get("setting", "")),
        ]
        for row in shown
    ]  # fmt: skip


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="two streams of 1,000 rounds, nothing committed")
    parser.add_argument("--out", type=Path, help="JSON file for the rows")
    parser.add_argument("--agents", nargs="*", help="registered agents to play; peers are left out then")
    arguments = parser.parse_args()
    import torch

    torch.set_num_threads(1)
    seeds, rounds = (SEEDS[:2], 1_000) if arguments.quick else (SEEDS, 20_000)
    task = load_task()
    rows = yardsticks([task.stream(seed, rounds=rounds) for seed in seeds], {"rounds": rounds, "seeds": len(seeds)})
    names = contenders() if arguments.agents is None else arguments.agents
    makers = {name: (make, code, "defaults") for name, (make, code) in contestants(names).items()}
    for name, settings in PEERS.items() if arguments.agents is None else ():
        setting, make = tuned(settings, task, rounds)
        makers[name] = (make, 0, setting)
    for name, (make, code, setting) in makers.items():
        begin = time.perf_counter()
        streams = {seed: task.stream(seed, rounds=rounds, user_code=code) for seed in seeds}
        warm = task.stream(TUNING_SEED, rounds=150, user_code=code)
        play(make(warm.catalogue, 0), warm)
        runs = [play(make(stream.catalogue, seed), stream, seed=seed) for seed, stream in streams.items()]
        config = {"rounds": rounds, "seeds": len(seeds), "setting": setting, "users_a_call": warm.users_a_call}
        rows += rows_of(name, runs, config)
        print(f"{name} ({setting}): {rows[-2].value:.4f}, {time.perf_counter() - begin:.0f} s", file=sys.stderr)
    publish(
        "bandit_ml100k",
        f"Mean reward of {rounds:,} rounds, learning included, over {len(seeds)} streams [95% Student interval]; "
        "rounds decided and learned from a second, 50 users a call, one thread.",
        markdown(["agent", "reward", "rounds/s", "setting"], lines_of(rows)),
        rows,
        packages=["recenv", "numpy", "numba", "torch", "vowpalwabbit", "mabwiser"],
        out=arguments.out,
        write=not (arguments.quick or arguments.agents is not None),
    )


if __name__ == "__main__":
    main()
