"""Speed and memory of six estimators and one shared bootstrap, beside OBP's in the same run.

Both start from the same arrays in memory: rounds x items probabilities of the target policy and predictions of the
reward model, double precision, uniform logging. Ours reads them once, row block by row block, into vectors of one
number a round, then estimates (`ips, snips, dm, dr, switch_dr, dr_os`, each with its standard error) and resamples 100
times for all six at once. OBP estimates the same six and bootstraps each, 100 times. Every measurement has a process
of its own with one thread; extra memory is the growth of the peak resident set beyond the input arrays.

Then seven sequential estimators beside SCOPE-RL's (`ope_speed_sessions.py`) and, on request, ten million rounds of a
thousand items streamed from disk (`ope_speed_large.py`).

    python benchmarks/ope_speed.py [--obp-python PYTHON] [--scope-python PYTHON] [--large] [--quick] [--out FILE.json]

`--obp-python` and `--scope-python` (or the environment's OBP_PYTHON and SCOPE_RL_PYTHON) name interpreters in which
`import obp` and `import scope_rl` work; without them those peers are left out.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import ope_speed_large as large
import ope_speed_sessions as sessions
from numpy.typing import NDArray
from result_table import Row, markdown, publish
from timed_runs import Answer, in_own_process, installed, timed

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
Arrays = dict[str, NDArray[Any]]


class Section(NamedTuple):
    """One table, what it says, and its rows."""

    text: str
    table: str
    rows: list[Row]


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


def terms_of(data: Arrays) -> Any:
    """Return the record of one number a round, from one pass over the arrays."""
    from recenv.ope import BanditTerms, condense

    return BanditTerms(data["reward"], data["propensity"], *condense(data["action"], data["target"], data["q"]))


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
        "version": installed("recenv" if who == "ours" else "obp", "numpy"),
    }


def measured(python: str, who: str, size: tuple[int, int]) -> Answer:
    """Return the answer of `work` in a fresh interpreter with one thread."""
    found = in_own_process(python, __file__, who, *map(str, size))
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


def bandit(sizes: Sequence[tuple[int, int]], obp_python: str | None) -> Section:
    """Return the six bandit estimators, beside OBP's if there is an interpreter for it."""
    lines, made, peer = [], [], ""
    for size in sizes:
        mine = measured(sys.executable, "ours", size)
        other = None if obp_python is None else measured(obp_python, "obp", size)
        lines.append(line(size, mine, other))
        made += rows_of(size, "recenv", mine) + ([] if other is None else rows_of(size, "obp", other))
        peer = "" if other is None else other["version"]
    heads = ["rounds x items", "points, s", "+ bootstrap, s", "extra MiB"]
    if peer:
        heads += ["OBP points, s", "OBP + bootstrap, s", "OBP extra MiB", "times faster", "by processor"]
        heads += ["asked", "values differ by"]
    beside = f"Beside it {peer}" if peer else "OBP was not measured: no interpreter that has it was named"
    text = (
        f"Six estimators (ips, snips, dm, dr, switch_dr, dr_os), alone and with one shared bootstrap of {REPLICATES}: "
        f"seconds by the wall / of the processor, medians of {REPETITIONS}, one thread, the pass over the arrays "
        f"included; memory beyond the input arrays (at most {EXTRA_MIB} MiB is asked for). {beside}. `Times faster` is "
        "of points and bootstrap together; the processor's ratio is the fairer one where others share the machine."
    )
    return Section(text, markdown(heads, lines), made)


def sequential(count: int, scope_python: str | None) -> Section:
    """Return the seven sequential estimators beside SCOPE-RL's."""
    if scope_python is None:
        return Section("SCOPE-RL was not measured: no interpreter that has it was named (--scope-python).", "", [])
    case = ("sessions", str(count))
    mine = in_own_process(sys.executable, __file__, "ours", *case)
    other = in_own_process(scope_python, __file__, "scope", *case)
    text = (
        f"Seven sequential estimators ({', '.join(sessions.ESTIMATORS)}), alone and with a bootstrap of "
        f"{sessions.REPLICATES} (ours is one for all): seconds of the processor, medians of {sessions.REPETITIONS}, "
        f"one thread, the pass over the arrays included. Beside it {other['version']}."
    )
    made = [*sessions.rows_of(count, "recenv", mine), *sessions.rows_of(count, "scope-rl", other)]
    return Section(text, markdown(sessions.HEADINGS, sessions.lines(count, mine, other)), made)


def streamed(rows: int, folder: Path | None) -> Section:
    """Return the evaluation of a log on disk by a policy that is asked block by block."""
    with tempfile.TemporaryDirectory(dir=folder) as place:
        path = Path(place) / "log.parquet"
        large.write_log(path, rows)
        found = in_own_process(sys.executable, __file__, "large", str(path))
    text = (
        f"A Parquet log streamed through `evaluate` ({', '.join(large.ESTIMATORS)}, a reward model, audits and a "
        f"bootstrap by user) with a policy that is asked block by block, one thread. {found['version']}."
    )
    return Section(text, markdown(large.HEADINGS, large.lines(found)), large.rows_of(found))


def run_case(case: Sequence[str]) -> Answer:
    """Return what one process measures."""
    who, *rest = case
    if who == "large":
        return large.work(Path(rest[0]))
    if rest[0] == "sessions":
        return sessions.work(who, int(rest[1]))
    return work(who, int(rest[0]), int(rest[1]))


def main() -> None:
    """Measure every size and publish the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--obp-python", default=os.environ.get("OBP_PYTHON"), help="interpreter that has obp")
    parser.add_argument("--scope-python", default=os.environ.get("SCOPE_RL_PYTHON"), help="interpreter with scope_rl")
    parser.add_argument(
        "--large", action="store_true", help="also 10 million rounds from disk: minutes, and 1 GB there"
    )
    parser.add_argument("--folder", type=Path, help="where that log is kept meanwhile; default: the temporary folder")
    parser.add_argument("--quick", action="store_true", help="small sizes; the committed table is left alone")
    parser.add_argument("--out", type=Path, help="JSON rows")
    parser.add_argument("--case", nargs="+", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.case:
        print(json.dumps(run_case(arguments.case)))
        return
    quick = arguments.quick
    sections = [
        bandit(QUICK if quick else SIZES, arguments.obp_python),
        sequential(sessions.QUICK if quick else sessions.SESSIONS, arguments.scope_python),
    ]
    if arguments.large:
        sections.append(streamed(large.QUICK_ROWS if quick else large.ROWS, arguments.folder))
    first, *others = sections
    publish(
        "ope_speed",
        first.text,
        "\n\n".join([first.table, *(part for one in others for part in (one.text, one.table) if part)]),
        [row for one in sections for row in one.rows],
        packages=["recenv", "numpy"],
        out=arguments.out,
        write=not quick,
    )


if __name__ == "__main__":
    main()
