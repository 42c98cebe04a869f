"""Whether the linear agents' posteriors are as sure as they should be: each observation counted once, no more.

Worlds are drawn from the agents' own prior: weights of items with a shared part, Gaussian noise. Each agent learns on
the items that it chooses itself, from batches of 20, every row exactly once. Then, for fresh users and every item, an
interval of the posterior at each level is compared with the true expected reward, which is known. A posterior that
counts observations twice covers too rarely. How noise is pooled was chosen on other worlds (seeds below 20).

    python benchmarks/posterior_calibration.py [--quick] [--out FILE.json]
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import numpy as np
from intervals import student_interval
from numpy.typing import NDArray
from result_table import Row, markdown, publish
from scipy.stats import norm

from recenv.agents import make_agent
from recenv.protocol import Catalogue, Feedback, Request

LEVELS = (0.5, 0.8, 0.9, 0.95)
AGENTS = ("linucb", "linear_thompson", "squarecb")
ITEMS, COLUMNS, USERS_A_CALL, NOISE = 20, 6, 20, 0.5
ROUNDS = (200, 2_000, 20_000)
WORLDS = range(1_000, 1_040)


def draw_world(rng: np.random.Generator) -> tuple[Catalogue, NDArray[np.float64]]:
    """Return a catalogue and weights (N, 1 + O) drawn from the prior that the agents have by default."""
    from recenv.agents.linear.agent import LinearConfig
    from recenv.agents.linear.joint_features import item_features

    config = LinearConfig()
    features, popularity = rng.normal(size=(ITEMS, 3)).astype(np.float32), rng.integers(1, 100, ITEMS)
    catalogue = Catalogue(features, popularity.astype(np.float64), COLUMNS)
    g = item_features(catalogue, config.components)
    size = 1.0 + COLUMNS
    shared = NOISE / np.sqrt(config.shared_prior * size) * rng.normal(size=(1 + COLUMNS, g.shape[1]))
    own = NOISE / np.sqrt(config.item_prior * size) * rng.normal(size=(ITEMS, 1 + COLUMNS))
    return catalogue, g @ shared.T + own


def coverage(name: str, rounds: int, seed: int) -> dict[float, float]:
    """Return, by level, the share of expected rewards that the posterior's intervals hold."""
    rng = np.random.default_rng([seed, rounds])
    catalogue, weights = draw_world(rng)
    agent: Any = make_agent(name, catalogue)
    candidates = np.tile(np.arange(ITEMS), (USERS_A_CALL, 1))
    for _ in range(rounds // USERS_A_CALL):
        request = Request(rng.normal(size=(USERS_A_CALL, COLUMNS)).astype(np.float32), candidates)
        decision = agent.act(request, rng=rng)
        true = expected(request, weights)[np.arange(USERS_A_CALL), decision.items[:, 0]]
        ended = np.ones(USERS_A_CALL, bool)
        reward = true + NOISE * rng.normal(size=USERS_A_CALL)
        agent.update(Feedback(request, decision, reward, request, ended, ~ended))
    fresh = Request(rng.normal(size=(100, COLUMNS)).astype(np.float32), np.tile(np.arange(ITEMS), (100, 1)))
    mean, deviation = agent.moments(fresh)
    error = np.abs(expected(fresh, weights) - mean) / deviation
    return {level: float((error <= norm.ppf((1.0 + level) / 2.0)).mean()) for level in LEVELS}


def expected(request: Request, weights: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return (B, N) the true expected reward of every item."""
    return weights[:, 0] + np.asarray(request.observation) @ weights[:, 1:].T


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="five worlds and short runs, nothing committed")
    parser.add_argument("--out", type=Path, help="JSON file for the rows")
    arguments = parser.parse_args()
    worlds, lengths = (range(5), ROUNDS[:2]) if arguments.quick else (WORLDS, ROUNDS)
    rows, lines = [], []
    for name in AGENTS:
        for rounds in lengths:
            found = [coverage(name, rounds, seed) for seed in worlds]
            cells = []
            for level in LEVELS:
                interval = student_interval([one[level] for one in found])
                config = {"level": level, "rounds": rounds, "worlds": len(worlds)}
                rows.append(Row(name, "coverage", *interval, "share", config))
                cells.append(f"{interval[0]:.3f} [{interval[1]:.3f}, {interval[2]:.3f}]")
            lines.append([name, f"{rounds:,}", *cells])
    publish(
        "posterior_calibration",
        f"Share of true expected rewards in the posterior's interval, over {len(worlds)} worlds [95% Student interval],"
        " after so many rounds of the agent's own choosing.",
        markdown(["agent", "rounds", *(f"{level:.0%}" for level in LEVELS)], lines),
        rows,
        packages=["recenv", "numpy", "numba", "scipy"],
        out=arguments.out,
        write=not arguments.quick,
    )


if __name__ == "__main__":
    main()
