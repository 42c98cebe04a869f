"""Speed and memory of six estimators and one shared bootstrap, beside OBP's in the same run.

Both start from the same arrays in memory: rounds x items probabilities of the target policy and predictions of the
reward model, double precision, uniform logging. Ours reads them once, row block by row block, into vectors of one
number a round, then estimates (`ips, snips, dm, dr, switch_dr, dr_os`, each with its standard error) and resamples 100
times for all six at once. OBP estimates the same six and bootstraps each, 100 times. Every measurement has a process
of its own with one thread; extra memory is the growth of the peak resident set beyond the input arrays.

    python benchmarks/ope_speed.py [--obp-python PYTHON] [--quick] [--out FILE.json]

`--obp-python` (or the environment's OBP_PYTHON) names an interpreter in which `import obp` works; without it OBP's
columns are left out.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from result_table import Row, markdown, publish

SIZES = ((100_000, 10), (100_000, 1_000), (1_000_000, 100))
QUICK = ((20_000, 10), (20_000, 100))
REPETITIONS, REPLICATES, BLOCK, SEED = 3, 100, 16_384, 0
THRESHOLD, SHRINKAGE = 5.0, 5.0
ESTIMATORS: dict[str, dict[str, float]] = {
    "ips": {},
    "snips": {},
    "dm": {},
    "dr": {},
    "switch_dr": {"threshold": THRESHOLD},
    "dr_os": {"shrinkage": SHRINKAGE},
}
REQUIRED = {(100_000, 10): 15, (100_000, 1_000): 60, (1_000_000, 100): 25}
"""Times faster than OBP that this library asks of itself."""
EXTRA_MIB = 64
ONE_THREAD = {f"{name}_NUM_THREADS": "1" for name in ("OMP", "OPENBLAS", "MKL", "NUMBA")}
Arrays = dict[str, NDArray[Any]]
Answer = dict[str, Any]


def make_arrays(rows: int, items: int) -> Arrays:
    """Return the log, target probabilities (n, A) and predictions (n, A), made in blocks so that no copy remains."""
    rng = np.random.default_rng(SEED)
    target, model = np.empty((rows, items)), np.empty((rows, items))
    for start in range(0, rows, BLOCK):
        here = slice(start, start + BLOCK)
        rng.standard_exponential(out=target[here])
        target[here] /= target[here].sum(axis=1, keepdims=True)
        rng.random(out=model[here])
    action = rng.integers(items, size=rows)
    reward = (rng.random(rows) < 0.5).astype(np.float64)
    return {"action": action, "reward": reward, "propensity": np.full(rows, 1 / items), "target": target, "q": model}


def peak_mib() -> float:
    """Return the largest resident set so far."""
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def timed(run: Callable[[], Answer], repetitions: int) -> Answer:
    """Return seconds of each repetition, by the wall and of the processor, the extra memory and the answer."""
    before, wall, cpu, answer = peak_mib(), [], [], {}
    for _ in range(repetitions):
        begin = time.perf_counter(), time.process_time()
        answer = run()
        wall.append(time.perf_counter() - begin[0])
        cpu.append(time.process_time() - begin[1])
    return {"wall": wall, "cpu": cpu, "extra_mib": peak_mib() - before, **answer}


def terms_of(data: Arrays) -> Any:
    """Return the record of one number a round, from one pass over the arrays."""
    from recenv.ope import BanditTerms

    rows = len(data["action"])
    target, q_logged, q_target = np.empty((3, rows))
    for start in range(0, rows, BLOCK):
        here = slice(start, start + BLOCK)
        probability, prediction, item = data["target"][here], data["q"][here], data["action"][here, None]
        target[here] = np.take_along_axis(probability, item, axis=1)[:, 0]
        q_logged[here] = np.take_along_axis(prediction, item, axis=1)[:, 0]
        q_target[here] = np.einsum("na,na->n", probability, prediction)
    return BanditTerms(data["reward"], data["propensity"], target, q_logged, q_target)


def ours(data: Arrays, *, bootstrap: bool) -> Answer:
    """Return six estimates, and their intervals from one resample."""
    from recenv.ope import estimate
    from recenv.ope.bootstrap import MAX_GROUPS, group_sums, percentile_interval, resample
    from recenv.ope.clusters import pool_clusters

    terms, rng = terms_of(data), np.random.default_rng(SEED)
    if not bootstrap:
        return {"values": [estimate(name, terms, **hyper).value for name, hyper in ESTIMATORS.items()]}
    codes, groups = pool_clusters(None, terms.rows, MAX_GROUPS, rng)
    size = np.bincount(codes, minlength=groups).astype(np.float64)

    def kept(name: str, hyper: dict[str, float]) -> tuple[float, NDArray[np.float64]]:
        one = estimate(name, terms, **hyper)  # its vectors are let go before the next estimator's are made
        return one.value, group_sums(one, codes, groups)

    values, sums = zip(*(kept(name, hyper) for name, hyper in ESTIMATORS.items()), strict=True)
    draws = resample(np.hstack(sums), size, replicates=REPLICATES, rng=rng)
    return {"values": list(values), "limits": [percentile_interval(column, 0.95) for column in draws.T]}


def theirs(data: Arrays, *, bootstrap: bool) -> Answer:
    """Return OBP's six estimates, and its bootstrap intervals."""
    from obp import ope  # type: ignore[import-not-found,unused-ignore]

    rows, items = data["target"].shape
    log = {
        "n_rounds": rows,
        "n_actions": items,
        "context": data["propensity"][:, None],  # asked for, not used
        "action": data["action"],
        "reward": data["reward"],
        "position": None,
        "pscore": data["propensity"],
    }
    chosen = [
        ope.InverseProbabilityWeighting(),
        ope.SelfNormalizedInverseProbabilityWeighting(),
        ope.DirectMethod(),
        ope.DoublyRobust(),
        ope.SwitchDoublyRobust(lambda_=THRESHOLD),
        ope.DoublyRobustWithShrinkage(lambda_=SHRINKAGE),
    ]
    evaluation = ope.OffPolicyEvaluation(log, chosen)
    given = {"action_dist": data["target"][:, :, None], "estimated_rewards_by_reg_model": data["q"][:, :, None]}
    answer: Answer = {"values": list(map(float, evaluation.estimate_policy_values(**given).values()))}
    if bootstrap:
        found = evaluation.estimate_intervals(**given, n_bootstrap_samples=REPLICATES, random_state=SEED)
        answer["limits"] = [[float(value) for key, value in one.items() if "CI" in key] for one in found.values()]
    return answer


def work(who: str, rows: int, items: int) -> Answer:
    """Measure points first and, with the same arrays, points and bootstrap; runs in its own process."""
    run = ours if who == "ours" else theirs
    run(make_arrays(100, items), bootstrap=True)  # imports
    data = make_arrays(rows, items)
    return {
        "point": timed(lambda: run(data, bootstrap=False), REPETITIONS),
        "bootstrap": timed(lambda: run(data, bootstrap=True), REPETITIONS),
        "version": _version(who),
    }


def _version(who: str) -> str:
    from importlib.metadata import version

    return ", ".join(f"{name} {version(name)}" for name in ("recenv" if who == "ours" else "obp", "numpy"))


def in_own_process(python: str, who: str, size: tuple[int, int]) -> Answer:
    """Return the answer of `work` in a fresh interpreter with one thread."""
    command = [python, __file__, "--case", who, *map(str, size)]
    answer = subprocess.check_output(command, env={**os.environ, **ONE_THREAD})
    found: Answer = json.loads(answer.splitlines()[-1])
    # Memory only ever grows: the second measurement's starts where the first one's ended.
    found["extra_mib"] = found["point"]["extra_mib"] + found["bootstrap"]["extra_mib"]
    return found


def line(size: tuple[int, int], mine: Answer, other: Answer | None) -> list[str]:
    """Return a table's line."""

    def shown(found: Answer, stage: str) -> str:
        return f"{statistics.median(found[stage]['wall']):.3f} / {statistics.median(found[stage]['cpu']):.3f}"

    cells = [f"{size[0]:,} x {size[1]:,}", *(shown(mine, stage) for stage in ("point", "bootstrap"))]
    cells.append(f"{mine['extra_mib']:.0f}")
    if other is not None:
        cells += [*(shown(other, stage) for stage in ("point", "bootstrap")), f"{other['extra_mib']:.0f}"]
        cells += [f"{ratio(mine, other, clock):.0f}" for clock in ("wall", "cpu")]
        cells += [str(REQUIRED.get(size, "")), f"{disagreement(mine, other):.0e}"]
    return cells


def ratio(mine: Answer, other: Answer, clock: str) -> float:
    """Return how many times faster ours is, points and bootstrap together."""
    return statistics.median(other["bootstrap"][clock]) / statistics.median(mine["bootstrap"][clock])


def disagreement(mine: Answer, other: Answer) -> float:
    """Return the largest relative difference between the six values."""
    left, right = np.array(mine["bootstrap"]["values"]), np.array(other["bootstrap"]["values"])
    return float(np.max(np.abs(left - right) / np.abs(right)))


def rows_of(size: tuple[int, int], who: str, found: Answer) -> list[Row]:
    """Return the machine-readable rows of one measurement."""
    config = {"rows": size[0], "items": size[1], "replicates": REPLICATES}
    made = []
    for stage in ("point", "bootstrap"):
        for clock in ("wall", "cpu"):
            times = found[stage][clock]
            made.append(Row(who, f"{stage}_{clock}", statistics.median(times), min(times), max(times), "s", config))
    made.append(Row(who, "extra_memory", *([found["extra_mib"]] * 3), "MiB", config))
    return made


def main() -> None:
    """Measure every size and publish the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--obp-python", default=os.environ.get("OBP_PYTHON"), help="interpreter that has obp")
    parser.add_argument("--quick", action="store_true", help="small sizes; the committed table is left alone")
    parser.add_argument("--out", type=Path, help="JSON rows")
    parser.add_argument("--case", nargs=3, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.case:
        who, rows, items = arguments.case
        print(json.dumps(work(who, int(rows), int(items))))
        return
    lines, made, peer = [], [], ""
    for size in QUICK if arguments.quick else SIZES:
        mine = in_own_process(sys.executable, "ours", size)
        other = None if arguments.obp_python is None else in_own_process(arguments.obp_python, "obp", size)
        lines.append(line(size, mine, other))
        made += rows_of(size, "recenv", mine) + ([] if other is None else rows_of(size, "obp", other))
        peer = "" if other is None else other["version"]
    heads = ["rounds x items", "points, s", "+ bootstrap, s", "extra MiB"]
    if peer:
        heads += ["OBP points, s", "OBP + bootstrap, s", "OBP extra MiB", "times faster", "by processor"]
        heads += ["asked", "values differ by"]
    beside = f"Beside it {peer}" if peer else "OBP was not measured: no interpreter that has it was named"
    publish(
        "ope_speed",
        f"Six estimators (ips, snips, dm, dr, switch_dr, dr_os), alone and with one shared bootstrap of {REPLICATES}: "
        f"seconds by the wall / of the processor, medians of {REPETITIONS}, one thread, the pass over the arrays "
        f"included; memory beyond the input arrays (at most {EXTRA_MIB} MiB is asked for). {beside}. `Times faster` is "
        "of points and bootstrap together; the processor's ratio is the fairer one where others share the machine.",
        markdown(heads, lines),
        made,
        packages=["recenv", "numpy"],
        out=arguments.out,
        write=not arguments.quick,
    )


if __name__ == "__main__":
    main()
