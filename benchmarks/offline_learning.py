"""What each offline learner reaches from a log with known propensities, from 10,000 to 1,000,000 decisions.

A synthetic world of 1,000 users and 100 items logs with 0.8 softmax(log popularity) + 0.2 uniform. A policy's value is
its exact mean rating of one decision, in the states as the logging policy meets them, under fresh noise (`one_step`).
The `oracle` shows the item of the highest expected rating of each user's true taste; it knows no noise and no boredom.

    python benchmarks/offline_learning.py [--quick] [--out FILE.json]

With D3RLPY_PYTHON naming a Python that has d3rlpy, its discrete CQL is trained too, on the logs up to 100,000.
"""

from __future__ import annotations

import argparse
import math
import os
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
from intervals import student_interval
from numpy.typing import NDArray
from result_table import Row, markdown, publish

from recenv.agents import ScoreAgent
from recenv.agents.best_fixed import BestFixedAgent
from recenv.agents.exploration import Softmax
from recenv.agents.offline.policy import dm_learner, dr_learner, ips_learner
from recenv.causal import World
from recenv.envs import EnvConfig, RecSysVectorEnv
from recenv.envs.truth import one_step_truth
from recenv.feedback import LoggedFeedback, collect
from recenv.ope.gate import Gate
from recenv.protocol import Catalogue, Request

SIZES, QUICK_SIZES = (10_000, 100_000, 1_000_000), (5_000, 20_000)
USERS, ITEMS, HORIZON = 1_000, 100, 20
UNIFORM = 0.2
CQL_ROWS = 100_000
LEARNERS = {"ips_learner": ips_learner, "dr_learner": dr_learner, "direct method": dm_learner}
QUESTION = """Mean rating of one decision [95% Student interval over seeds]; each seed is another world and another log.
`released` is the share of seeds in which the gate at 95% releases the learner that was trained on its training part."""


class LoggingPolicy:
    """A share uniform, the rest by softmax of log popularity."""

    def __init__(self, catalogue: Catalogue) -> None:
        self.score = np.log1p(catalogue.popularity)

    def probabilities(self, request: Request) -> NDArray[np.float64]:
        """Return (B, C) probabilities."""
        candidates = request.candidates
        valid = candidates >= 0
        even = valid / np.maximum(valid.sum(axis=1, keepdims=True), 1)
        return (1 - UNIFORM) * Softmax(1.0).probabilities(self.score[candidates], candidates) + UNIFORM * even


class TrueTaste(ScoreAgent):
    """Each user's expected rating of each item, read from the world: a yardstick, no competitor."""

    def __init__(self, world: World) -> None:
        users, items = np.indices((world.n_users, world.n_items))
        self.table = world.expected_rating(users.ravel(), items.ravel()).reshape(world.n_users, world.n_items)

    def scores(self, request: Request) -> NDArray[np.float64]:
        """Return (B, C) expected ratings."""
        return self.table[np.asarray(request.users)[:, None], request.candidates]


def logged_rows(env: RecSysVectorEnv, policy: LoggingPolicy, rows: int, seed: int) -> LoggedFeedback:
    """Return a log of about `rows` decisions, in whole sessions drawn at random."""
    rounds = -(-rows // (USERS * HORIZON // 2))
    log = collect(env, policy, rounds=rounds, seed=seed, users=np.arange(USERS), policy_name="logging")
    order = np.random.default_rng([seed, 3]).permutation(np.unique(log.episode))
    length = np.bincount(log.episode)[order]
    return log.subset(np.isin(log.episode, order[: int(np.searchsorted(np.cumsum(length), rows)) + 1]))


def learn_all(catalogue: Catalogue, log: LoggedFeedback, seed: int) -> dict[str, Any]:
    """Return the learners, fitted."""
    best = BestFixedAgent(catalogue, epsilon=0.0)
    best.fit(log)
    agents: dict[str, Any] = {"best fixed": best}
    for name, make in LEARNERS.items():
        agents[name] = make(catalogue, seed=seed)
        agents[name].fit(log)
    if os.environ.get("D3RLPY_PYTHON") and log.rows <= CQL_ROWS:
        agents["d3rlpy CQL"] = fitted_cql(catalogue, log, seed)
    return agents


def fitted_cql(catalogue: Catalogue, log: LoggedFeedback, seed: int) -> Any:
    """Return d3rlpy's discrete CQL, trained in its own environment by the adapter."""
    from recenv.agents import make_agent

    agent: Any = make_agent("recenv.agents.adapters.d3rlpy:D3rlpyAgent", catalogue, seed=seed)
    agent.fit(log)
    return agent


def released(catalogue: Catalogue, log: LoggedFeedback, seed: int) -> dict[str, float]:
    """Return whether the gate at 95% releases the two learners that it is for."""
    found = {}
    for name in ("ips_learner", "dr_learner"):
        gate = Gate(log, 0.95, seed=seed)
        agent = LEARNERS[name](catalogue, seed=seed)
        agent.fit(gate.train)
        found[name] = float(gate.test(agent, item_features=catalogue.features).released)
    return found


def one_seed(seed: int, sizes: tuple[int, ...]) -> dict[tuple[str, int], tuple[float, float]]:
    """Return (policy, rows) -> (true value, share released) in one world."""
    world = World.synthetic(seed, users=USERS, items=ITEMS).held_out()
    env = RecSysVectorEnv(USERS, EnvConfig(world=world, reward="rating", horizon=HORIZON))
    logging, oracle = LoggingPolicy(env.catalogue), TrueTaste(world)
    result: dict[tuple[str, int], tuple[float, float]] = {}
    for rows in sizes:
        log = logged_rows(env, logging, rows, 1_000 * seed)
        begin = time.perf_counter()
        policies = {"logging policy": logging, "oracle": oracle, **learn_all(env.catalogue, log, seed)}
        out = released(env.catalogue, log, seed) if rows <= CQL_ROWS else {}
        seconds = time.perf_counter() - begin
        truth = one_step_truth(env, logging, policies, seed=50_000_000 + seed, users=np.arange(USERS))
        result |= {(name, rows): (found.value, out.get(name, math.nan)) for name, found in truth.items()}
        print(f"seed {seed}, {log.rows:,} decisions: learned in {seconds:.0f} s", file=sys.stderr, flush=True)
    return result


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="two seeds and short logs, nothing committed")
    parser.add_argument("--out", type=Path, help="JSON file for the rows")
    arguments = parser.parse_args()
    import torch

    torch.set_num_threads(1)
    seeds, sizes = (2, QUICK_SIZES) if arguments.quick else (5, SIZES)
    found = [one_seed(seed, sizes) for seed in range(seeds)]
    rows, lines = [], []
    for name in dict.fromkeys(policy for policy, _ in found[0]):
        line = [name]
        for size in sizes:
            here = [one[name, size] for one in found if (name, size) in one]
            config = {"rows": size, "users": USERS, "items": ITEMS, "seeds": seeds}
            if not here:
                line += ["", ""]
                continue
            rows.append(Row(name, "one_step_value", *student_interval([value for value, _ in here]), "rating", config))
            share = float(np.mean([out for _, out in here]))
            line += [f"{rows[-1].value:.3f} [{rows[-1].low:.3f}, {rows[-1].high:.3f}]"]
            line += ["" if math.isnan(share) else f"{share:.0%}"]
            if not math.isnan(share):
                rows.append(Row(name, "released", share, share, share, "share of seeds", config))
        lines.append(line)
    headings = ["policy", *(text for size in sizes for text in (f"{size:,} decisions", "released"))]
    packages = ["recenv", "numpy", "torch", "numba"]
    table = markdown(headings, lines)
    publish("offline_learning", QUESTION, table, rows, packages=packages, out=arguments.out, write=not arguments.quick)


if __name__ == "__main__":
    main()
