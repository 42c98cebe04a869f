"""How many decisions a second LinUCB makes of a whole catalogue, 64 users a call, one thread.

    python benchmarks/decision_speed.py [--quick] [--out FILE.json]

After 100 batches of learning, requests of fresh users are decided. Users are described by 34 numbers: independent
normal ones ("dense"), or what the MovieLens-100K task has, a one-hot occupation among them ("one-hot"), where a bound
of the bound says less. Beside it: the scores of all items by one matrix product, as a plain numpy program has them.
"""

from __future__ import annotations

import argparse
import functools
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from result_table import Row, markdown, publish
from threadpoolctl import threadpool_limits

from recenv.agents import make_agent
from recenv.agents.linear.linucb import LinUCBAgent
from recenv.agents.linear.packed_symmetric import unpack
from recenv.protocol import Catalogue, Feedback, Request

USERS, COLUMNS, OCCUPATIONS, FEATURES = 64, 34, 21, 20
LEARNING, REQUESTS, REPEATS = 100, 20, 7
Describe = Callable[[np.random.Generator], NDArray[np.float32]]


def dense(rng: np.random.Generator) -> NDArray[np.float32]:
    """Return (B, 34) independent normal numbers."""
    return rng.standard_normal((USERS, COLUMNS)).astype(np.float32)


def one_hot(rng: np.random.Generator) -> NDArray[np.float32]:
    """Return (B, 34): 1, a normal number, a coin, one of 21 occupations, ten normal numbers."""
    occupation = np.eye(OCCUPATIONS)[rng.integers(OCCUPATIONS, size=USERS)]
    rest = rng.standard_normal((USERS, COLUMNS - OCCUPATIONS))
    rest[:, 0], rest[:, 1] = 1.0, rest[:, 1] > 0.0
    return np.concatenate([rest, occupation], axis=1).astype(np.float32)


DESIGNS: dict[str, Describe] = {"dense": dense, "one-hot": one_hot}


def learned(items: int, describe: Describe, rng: np.random.Generator) -> LinUCBAgent:
    """Return LinUCB after `LEARNING` batches of likes by a logistic model."""
    features = rng.standard_normal((items, FEATURES)).astype(np.float32)
    catalogue = Catalogue(features, rng.random(items) * 100.0, COLUMNS)
    weights = rng.standard_normal((COLUMNS, FEATURES)) @ features.T / 30.0
    agent = make_agent("linucb", catalogue)
    assert isinstance(agent, LinUCBAgent)
    for _ in range(LEARNING):
        request = whole_catalogue(describe(rng), items)
        decision = agent.act(request, rng=rng)
        taste = (np.asarray(request.observation) * weights[:, decision.items[:, 0]].T).sum(axis=1)
        liked = (rng.random(USERS) < 1.0 / (1.0 + np.exp(-taste))).astype(np.float64)
        ended = np.ones(USERS, bool)
        agent.update(Feedback(request, decision, liked, request, ended, ~ended))
    return agent


def whole_catalogue(observation: NDArray[np.float32], items: int) -> Request:
    """Return a request in which every item is a candidate."""
    return Request(observation, np.tile(np.arange(items), (len(observation), 1)), 1)


def plain_numpy(agent: LinUCBAgent) -> Callable[[Request], NDArray[np.int64]]:
    """Return the same decision as one product <vec(x x'), vec(C)> of 32-bit numbers."""
    posterior, d = agent.posterior, COLUMNS + 1
    table = unpack(posterior.covariance, d).reshape(-1, d * d).astype(np.float32)
    mean, factor = posterior.mean.astype(np.float32), agent.alpha * np.sqrt(posterior.noise(agent.config.caution))

    def decide(request: Request) -> NDArray[np.int64]:
        x = np.concatenate([np.ones((USERS, 1), np.float32), np.asarray(request.observation)], axis=1)
        square = (x[:, :, None] * x[:, None, :]).reshape(USERS, -1) @ table.T
        chosen: NDArray[np.int64] = (x @ mean.T + factor * np.sqrt(np.maximum(square, 0.0))).argmax(axis=1)
        return chosen

    return decide


def rates(decide: Callable[[Request], object], requests: list[Request]) -> tuple[float, float, float]:
    """Return median, lowest and highest decisions a second of the repeats, in processor time."""
    found = []
    for _ in range(REPEATS):
        begin = time.process_time()
        for request in requests:
            decide(request)
        found.append(len(requests) * USERS / (time.process_time() - begin))
    return float(np.median(found)), min(found), max(found)


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="100 items only, nothing committed")
    parser.add_argument("--out", type=Path, help="JSON file for the rows")
    arguments = parser.parse_args()
    rows: list[Row] = []
    lines: list[list[str]] = []
    threadpool_limits(1)
    for design, describe in DESIGNS.items():
        for items in (100,) if arguments.quick else (100, 1_000, 10_000):
            rng = np.random.default_rng(0)
            agent = learned(items, describe, rng)
            requests = [whole_catalogue(describe(rng), items) for _ in range(REQUESTS)]
            ways: dict[str, Callable[[Request], object]] = {
                "linucb": functools.partial(agent.act, rng=rng),
                "numpy": plain_numpy(agent),
            }
            line = [f"{design}, {items:,} items"]
            for name, decide in ways.items():
                decide(requests[0])
                found = rates(decide, requests)
                rows.append(Row(name, "speed", *found, "decisions/s", {"items": items, "design": design}))
                line.append(f"{found[0]:,.0f} [{found[1]:,.0f}, {found[2]:,.0f}]")
            lines.append(line)
    publish(
        "decision_speed",
        f"Decisions a second of processor time, median of {REPEATS} [lowest, highest]; {USERS} users a call, "
        f"{COLUMNS} columns.",
        markdown(["users and catalogue", "linucb", "one numpy product"], lines),
        rows,
        packages=["recenv", "numpy", "numba"],
        out=arguments.out,
        write=not arguments.quick,
    )


if __name__ == "__main__":
    main()
