"""Pairing: how much the variance of a difference of two policies' values falls when both meet the same noise.

Two policies show playlists that agree in a given share of the decisions. The value is a session's total reward. Their
difference is taken over sessions of

* independent users and noise (what a simulator with a running generator gives),
* the same users, all noise fresh,
* the same users with the same opinions, noise of the session fresh,
* the same users under the same noise (recenv: the same seeds).

A ratio is the variance of the first over that of the other: so many times fewer sessions give the same error.

    python benchmarks/pairing.py [--quick] [--out FILE.json]
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from result_table import Row, markdown, publish

from recenv import Behaviour, World
from recenv.envs import RecSysVectorEnv

OVERLAPS, HORIZONS, REWARDS = (0.1, 0.5, 0.9), (1, 10, 50), ("rating", "click")
ARMS = ("same users", "same users and opinions", "same noise")
ITEMS, SESSIONS, RESAMPLES = 500, 10_000, 1000
SEED, OTHER = 0, 10_000_000
"""First seed of the sessions; `OTHER` is where fresh ones begin."""


@dataclass(frozen=True)
class Noise:
    """What a run of sessions shares with another: users, opinions (of the world's seed), the rest (of the episode)."""

    users: NDArray[np.int64]
    opinions: int
    episodes: int


def playlists(rng: np.random.Generator, sessions: int, horizon: int, overlap: float) -> tuple[NDArray, NDArray]:
    """Return items (sessions, T) of two policies; each decision agrees with probability `overlap`, none repeats."""
    order = np.argpartition(rng.random((sessions, ITEMS)), 2 * horizon, axis=1)[:, : 2 * horizon]
    one, other = order[:, :horizon], order[:, horizon : 2 * horizon]
    return one, np.where(rng.random((sessions, horizon)) < overlap, one, other)


def values(world: World, reward: str, plan: NDArray[np.int64], noise: Noise) -> NDArray[np.float64]:
    """Return (sessions,) total reward of each session under a plan (sessions, T)."""
    env = RecSysVectorEnv(
        len(plan), world=replace(world, seed=noise.opinions), feedback="simulated", reward=reward,
        horizon=plan.shape[1], behaviour=Behaviour(funnel=1.0 if reward == "click" else 0.0), autoreset_mode="Disabled",
    )  # fmt: skip
    env.reset(seed=noise.episodes, options={"users": noise.users})
    return env.counterfactual(plan).totals["reward"]


def differences(world: World, reward: str, horizon: int, overlap: float, sessions: int) -> dict[str, NDArray]:
    """Return, for each way of pairing, (sessions,) differences of the two policies' values."""
    rng = np.random.default_rng([SEED, horizon, int(100 * overlap)])
    one, other = playlists(rng, sessions, horizon, overlap)
    users, strangers = np.arange(2 * sessions).reshape(2, sessions)  # a user for each: sessions are independent
    first = values(world, reward, one, Noise(users, 0, SEED))
    against = {
        "independent": Noise(strangers, 1, OTHER),
        "same users": Noise(users, 1, OTHER),
        "same users and opinions": Noise(users, 0, OTHER),
        "same noise": Noise(users, 0, SEED),
    }
    return {arm: values(world, reward, other, noise) - first for arm, noise in against.items()}


def ratio(
    rng: np.random.Generator, independent: NDArray[np.float64], paired: NDArray[np.float64]
) -> tuple[float, float, float]:
    """Return var(independent) / var(paired) and its 95% percentile interval over resampled sessions."""
    n = len(paired)
    draws = np.empty(RESAMPLES)
    for r in range(RESAMPLES):
        rows = rng.integers(n, size=n)
        draws[r] = independent[rows].var() / paired[rows].var()
    low, high = np.quantile(draws, [0.025, 0.975])
    return float(independent.var() / paired.var()), float(low), float(high)


def measure(sessions: int) -> tuple[list[Row], list[list[str]]]:
    """Return the rows and the lines of the table."""
    world = World.synthetic(SEED, users=2 * sessions, items=ITEMS, dims=16)
    rng = np.random.default_rng([SEED, 1])
    rows, lines = [], []
    for reward in REWARDS:
        for horizon in HORIZONS:
            for overlap in OVERLAPS:
                found = differences(world, reward, horizon, overlap, sessions)
                config: dict[str, Any] = {
                    "reward": reward,
                    "horizon": horizon,
                    "overlap": overlap,
                    "sessions": sessions,
                }
                ratios = [ratio(rng, found["independent"], found[arm]) for arm in ARMS]
                rows += [Row(arm, "variance_ratio", *r, "times", config) for arm, r in zip(ARMS, ratios, strict=True)]
                shown = [f"{value:.2f} [{low:.2f}, {high:.2f}]" for value, low, high in ratios]
                lines.append([reward, str(horizon), f"{overlap:.0%}", f"{found['independent'].var():.2f}", *shown])
    return rows, lines


def main() -> None:
    """Measure and publish."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer sessions; the committed table is left alone")
    parser.add_argument("--out", type=Path, help="JSON rows")
    arguments = parser.parse_args()
    sessions = 1000 if arguments.quick else SESSIONS
    rows, lines = measure(sessions)
    publish(
        "pairing",
        "Variance of the difference of two policies' values per session, with independent users and noise over paired: "
        "so many times fewer sessions give the same error (95% bootstrap interval over sessions). Synthetic world of "
        f"{ITEMS} items, {sessions:,} sessions of as many users (and as many others), every mechanism on, leaving too "
        "(and the funnel where the reward is clicks).",
        markdown(["reward", "horizon", "same decisions", "independent variance", *ARMS], lines),
        rows,
        packages=["recenv", "numpy", "numba"],
        out=arguments.out,
        write=not arguments.quick,
    )


if __name__ == "__main__":
    main()
