"""The wheel bandit: how an agent explores when the best reward is rare (Riquelme et al. 2018, `riquelme2018deep`).

The context is uniform on the unit disk. Arm 0 pays 1.2 everywhere, the others 1.0; but outside the radius delta one of
the arms 1 to 4, a quadrant each, pays 50. All have noise of deviation 0.01. Regret is in percent of uniform's.

    python benchmarks/wheel.py [--quick] [--out FILE.json]

Each seed is a stream of its own; settings were chosen on other streams (those of --quick). Agents learn from 20 rounds
at a time, with their defaults. Beside the defaults stand UCB and linear Thompson sampling with their full width and
each arm on its own, as the published linear agents are.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from intervals import student_interval
from numpy.typing import NDArray
from result_table import Row, markdown, publish

from recenv.agents import make_agent
from recenv.protocol import Catalogue, Feedback, Request

DELTAS = (0.5, 0.7, 0.9, 0.95, 0.99)
ROUNDS, USERS_A_CALL = 80_000, 20
SEEDS = range(10, 15)
MEANS, HIGH, NOISE = np.array([1.2, 1.0, 1.0, 1.0, 1.0]), 50.0, 0.01
APART = {"shared_prior": 1e9, "noise_pooling": 1.0}
AGENTS: dict[str, Callable[[Catalogue], Any]] = {
    "linucb": lambda catalogue: make_agent("linucb", catalogue),
    "linucb, alpha 2, arms apart": lambda catalogue: make_agent("linucb", catalogue, alpha=2.0, **APART),
    "linear_thompson": lambda catalogue: make_agent("linear_thompson", catalogue),
    "linear_thompson, width 1, arms apart": lambda catalogue: make_agent(
        "linear_thompson", catalogue, width=1.0, **APART
    ),
    "squarecb": lambda catalogue: make_agent("squarecb", catalogue),
}


def contexts(rng: np.random.Generator, rounds: int) -> NDArray[np.float32]:
    """Return (rounds, 2) points, uniform on the unit disk."""
    radius, angle = np.sqrt(rng.random(rounds)), rng.uniform(0.0, 2.0 * np.pi, rounds)
    return np.column_stack([radius * np.cos(angle), radius * np.sin(angle)]).astype(np.float32)


def expected(context: NDArray[np.float32], delta: float) -> NDArray[np.float64]:
    """Return (n, 5) the mean reward of each arm."""
    mean = np.tile(MEANS, (len(context), 1))
    quadrant = 1 + 2 * (context[:, 0] < 0.0) + (context[:, 1] < 0.0)
    outside = np.flatnonzero(np.hypot(context[:, 0], context[:, 1]) > delta)
    mean[outside, quadrant[outside]] = HIGH
    return mean


def relative_regret(make: Callable[[Catalogue], Any], delta: float, seed: int, rounds: int) -> float:
    """Return the regret of all rounds, those of learning included, in percent of uniform's expected regret."""
    stream, rng = np.random.default_rng([seed, 1]), np.random.default_rng([seed, 2])
    context = contexts(stream, rounds)
    mean = expected(context, delta)
    reward = mean + NOISE * stream.standard_normal(mean.shape)
    agent = make(Catalogue(np.zeros((5, 1), np.float32), np.ones(5), 2))
    chosen = np.empty(rounds, np.int64)
    for start in range(0, rounds, USERS_A_CALL):
        rows = np.arange(start, min(start + USERS_A_CALL, rounds))
        request = Request(context[rows], np.tile(np.arange(5), (len(rows), 1)))
        decision = agent.act(request, rng=rng)
        chosen[rows] = decision.items[:, 0]
        ended = np.ones(len(rows), bool)
        agent.update(Feedback(request, decision, reward[rows, chosen[rows]], request, ended, ~ended))
    best = mean.max(axis=1)
    return float(100.0 * (best - mean[np.arange(rounds), chosen]).sum() / (best - mean.mean(axis=1)).sum())


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="two seeds and 5,000 rounds, nothing committed")
    parser.add_argument("--out", type=Path, help="JSON file for the rows")
    arguments = parser.parse_args()
    seeds, rounds = (range(2), 5_000) if arguments.quick else (SEEDS, ROUNDS)
    rows, lines = [], []
    for name, make in AGENTS.items():
        cells = []
        for delta in DELTAS:
            found = student_interval([relative_regret(make, delta, seed, rounds) for seed in seeds])
            rows.append(
                Row(name, "relative_regret", *found, "%", {"delta": delta, "rounds": rounds, "seeds": len(seeds)})
            )
            cells.append(f"{found[0]:.2f} [{found[1]:.2f}, {found[2]:.2f}]")
        lines.append([name, *cells])
    publish(
        "wheel",
        f"Cumulative regret in percent of uniform's over {rounds:,} rounds, mean over seeds [95% Student interval], by "
        "delta. Published for a neural-linear agent (same arms and rounds): .95, 1.60, 4.65, 9.56, 49.63.",
        markdown(["agent", *(f"delta {delta}" for delta in DELTAS)], lines),
        rows,
        packages=["recenv", "numpy", "numba"],
        out=arguments.out,
        write=not arguments.quick,
    )


if __name__ == "__main__":
    main()
