"""Seven sequential estimators on 100,000 sessions of ten steps, beside SCOPE-RL's in the same run.

Both start from the same arrays in memory: (sessions x steps) x items probabilities of the target policy and predictions
of a value model. Ours reads them once, block by block, into one number a step; SCOPE-RL's estimators each take them
whole. The seven are those that both have: `fqe, tis, pdis, sequential_dr, sntis, snpdis, wdr`.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from result_table import Row
from timed_runs import Answer, installed, timed

SESSIONS, QUICK, STEPS, ITEMS, SEED, REPETITIONS, REPLICATES = 100_000, 5_000, 10, 10, 1, 5, 100
REQUIRED = 10
"""Times faster than SCOPE-RL that this library asks of itself."""
ESTIMATORS = ("fqe", "tis", "pdis", "sequential_dr", "sntis", "snpdis", "wdr")
Arrays = dict[str, NDArray[Any]]


def make_arrays(sessions: int) -> Arrays:
    """Return the log, target probabilities and predictions, one row a step of a session."""
    rng, rows = np.random.default_rng(SEED), sessions * STEPS
    # Close to uniform, as a session's weight is a product of ten: the work is the same for any policy.
    target = rng.standard_exponential((rows, ITEMS)) + 4
    target /= target.sum(axis=1, keepdims=True)
    return {
        "action": rng.integers(ITEMS, size=rows),
        "reward": (rng.random(rows) < 0.5).astype(np.float64),
        "propensity": np.full(rows, 1 / ITEMS),
        "target": target,
        "q": STEPS * rng.random((rows, ITEMS)),
    }


def terms_of(data: Arrays) -> Any:
    """Return the record of one number a step, from one pass over the arrays."""
    from recenv.ope import TrajectoryTerms, condense

    reward, propensity, item = (data[name].reshape(-1, STEPS) for name in ("reward", "propensity", "action"))
    tables = (data[name].reshape(-1, STEPS, ITEMS) for name in ("target", "q"))
    return TrajectoryTerms(reward, propensity, *condense(item, *tables))


def ours(data: Arrays, *, bootstrap: bool) -> Answer:
    """Return seven estimates, and their intervals from one resample."""
    from recenv.ope import estimate
    from recenv.ope.bootstrap import MAX_GROUPS, group_sums, percentile_interval, resample
    from recenv.ope.clusters import pool_clusters

    terms, rng = terms_of(data), np.random.default_rng(SEED)
    codes, groups = pool_clusters(None, terms.rows, MAX_GROUPS, rng) if bootstrap else (np.arange(0), 0)
    values, sums = [], []
    for name in ESTIMATORS:
        one = estimate(name, terms)
        values.append(one.value)
        if bootstrap:
            sums.append(group_sums(one, codes, groups))
    if not bootstrap:
        return {"values": values}
    size = np.bincount(codes, minlength=groups).astype(np.float64)
    draws = resample(np.hstack(sums), size, replicates=REPLICATES, rng=rng)
    return {"values": values, "limits": [percentile_interval(column, 0.95) for column in draws.T]}


def theirs(data: Arrays, *, bootstrap: bool) -> Answer:
    """Return SCOPE-RL's seven estimates, and its bootstrap intervals."""
    from scope_rl.ope import discrete  # type: ignore[import-not-found,unused-ignore]

    chosen = [
        discrete.DirectMethod(),
        discrete.TrajectoryWiseImportanceSampling(),
        discrete.PerDecisionImportanceSampling(),
        discrete.DoublyRobust(),
        discrete.SelfNormalizedTIS(),
        discrete.SelfNormalizedPDIS(),
        discrete.SelfNormalizedDR(),
    ]
    given = {
        "step_per_trajectory": STEPS,
        "action": data["action"],
        "reward": data["reward"],
        "pscore": data["propensity"],
        "evaluation_policy_action_dist": data["target"],
        "state_action_value_prediction": data["q"],
    }
    if not bootstrap:
        return {"values": [float(one.estimate_policy_value(**given)) for one in chosen]}
    how = {"n_bootstrap_samples": REPLICATES, "random_state": SEED}
    found = [one.estimate_interval(**given, **how) for one in chosen]
    values = [float(one.estimate_policy_value(**given)) for one in chosen]
    return {"values": values, "limits": [[float(value) for key, value in one.items() if "CI" in key] for one in found]}


def work(who: str, sessions: int) -> Answer:
    """Measure points, then points and intervals; runs in its own process."""
    run: Callable[..., Answer] = ours if who == "ours" else theirs
    run(make_arrays(20), bootstrap=True)  # imports
    data = make_arrays(sessions)
    packages = ("recenv", "numpy") if who == "ours" else ("scope-rl", "numpy")
    return {
        "point": timed(lambda: run(data, bootstrap=False), REPETITIONS),
        "bootstrap": timed(lambda: run(data, bootstrap=True), REPETITIONS),
        "version": installed(*packages),
    }


HEADINGS = (
    "sessions x steps x items", "points, s", "+ bootstrap, s", "SCOPE-RL points, s", "SCOPE-RL + bootstrap, s",
    "times faster, points", "with bootstrap", "asked", "values differ by",
)  # fmt: skip


def lines(sessions: int, mine: Answer, other: Answer) -> list[list[str]]:
    """Return the table's only line."""
    stages = ("point", "bootstrap")
    median = {
        who: {s: statistics.median(found[s]["cpu"]) for s in stages} for who, found in (("a", mine), ("b", other))
    }
    left, right = np.array(mine["point"]["values"]), np.array(other["point"]["values"])
    return [
        [f"{sessions:,} x {STEPS} x {ITEMS}"]
        + [f"{median[who][stage]:.3f}" for who in "ab" for stage in stages]
        + [f"{median['b'][stage] / median['a'][stage]:.0f}" for stage in stages]
        + [str(REQUIRED), f"{np.max(np.abs(left - right) / np.abs(right)):.0e}"]
    ]


def rows_of(sessions: int, who: str, found: Answer) -> list[Row]:
    """Return the machine-readable rows of one measurement."""
    config = {"sessions": sessions, "steps": STEPS, "items": ITEMS, "replicates": REPLICATES}
    made = []
    for stage in ("point", "bootstrap"):
        times = found[stage]["cpu"]
        made.append(Row(who, f"sessions_{stage}_cpu", statistics.median(times), min(times), max(times), "s", config))
    return made
