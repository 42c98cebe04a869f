"""Throughput: how many user steps a second the environments make, and in how much memory.

Every figure is measured in a process of its own, pinned to one core where the system allows it, with every mechanism
on (the funnel too), 1,682 items, resets included and the observation copied out. Gymnasium's
CartPole, measured in the same way in the same run, is the cost of the interface itself.

    python benchmarks/throughput.py [--quick] [--out FILE.json]
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from result_table import Row, markdown, publish

ITEMS, USERS = 1682, 943
SEED = 0


def measure_single(seconds: float, env_id: str) -> dict[str, float]:
    """Return steps/s of one environment through `gym.make`, actions drawn beforehand."""
    import gymnasium
    import numpy as np

    env = gymnasium.make(env_id, **world_options()) if env_id == "RecSys-v0" else gymnasium.make(env_id)
    actions = np.random.default_rng(SEED).integers(env.action_space.n, size=10_000).tolist()
    env.reset(seed=SEED)
    return rate(seconds, lambda: run_single(env, actions), len(actions))


def run_single(env: Any, actions: list[int]) -> None:
    """Play the actions, resetting at each end."""
    for action in actions:
        _, _, terminated, truncated, _ = env.step(action)
        if terminated or truncated:
            env.reset()


def measure_vector(seconds: float, env_id: str, users: int, **options: Any) -> dict[str, float]:
    """Return user steps/s of the native vector environment."""
    import gymnasium
    import numpy as np

    given = {**world_options(), **options} if env_id == "RecSys-v0" else {}
    env = gymnasium.make_vec(env_id, num_envs=users, vectorization_mode="vector_entry_point", **given)
    n = env.single_action_space.n
    steps = max(1, 200_000 // users)
    actions = np.random.default_rng(SEED).integers(n, size=(steps, users))
    env.reset(seed=SEED)

    def run() -> None:
        for step in actions:
            env.step(step)

    return rate(seconds, run, steps * users)


def rate(seconds: float, run: Any, steps: int) -> dict[str, float]:
    """Return the median, least and largest rate of at least five runs, and the peak memory of the process."""
    import resource

    run()
    rates: list[float] = []
    end = time.perf_counter() + seconds
    while len(rates) < 5 or time.perf_counter() < end:
        begin = time.perf_counter()
        run()
        rates.append(steps / (time.perf_counter() - begin))
    rates.sort()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {"median": rates[len(rates) // 2], "low": rates[0], "high": rates[-1], "peak_mb": peak}


def world_options() -> dict[str, Any]:
    """Return the world of the benchmark: synthetic, every mechanism on."""
    import recenv

    world = recenv.World.synthetic(SEED, users=USERS, items=ITEMS, dims=16, topics=18)
    return {"world": world, "behaviour": recenv.Behaviour(funnel=1.0)}


def measure_import(_: float) -> dict[str, float]:
    """Return seconds of `import recenv` in five fresh processes."""
    code = "import time; t = time.perf_counter(); import recenv; print(time.perf_counter() - t)"
    times = sorted(float(subprocess.check_output([sys.executable, "-c", code])) for _ in range(5))
    return {"median": times[2], "low": times[0], "high": times[-1], "peak_mb": float("nan")}


CASES: dict[str, Any] = {
    "RecSys-v0, gym.make": lambda s: measure_single(s, "RecSys-v0"),
    "RecSys-v0, make_vec, 64 users": lambda s: measure_vector(s, "RecSys-v0", 64),
    "RecSys-v0, make_vec, 1,024 users": lambda s: measure_vector(s, "RecSys-v0", 1024),
    "RecSys-v0, make_vec, 4,096 users": lambda s: measure_vector(s, "RecSys-v0", 4096),
    "RecSys-v0, make_vec, 1,024 users, mechanisms off": lambda s: measure_vector(s, "RecSys-v0", 1024, behaviour="off"),
    "CartPole-v1, gym.make": lambda s: measure_single(s, "CartPole-v1"),
    "CartPole-v1, make_vec, 1,024": lambda s: measure_vector(s, "CartPole-v1", 1024),
    "import recenv": measure_import,
}


def in_own_process(case: str, seconds: float) -> dict[str, float]:
    """Measure one case in a fresh process (twice, so that compilation is over), pinned to the first core."""
    answer = b""
    for attempt in (0.0, seconds):
        answer = subprocess.check_output([sys.executable, __file__, "--case", case, "--seconds", str(attempt)])
    found: dict[str, float] = json.loads(answer.splitlines()[-1])
    return found


def main() -> None:
    """Measure every case and publish the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="shorter runs; the committed table is left alone")
    parser.add_argument("--out", type=Path, help="JSON rows")
    parser.add_argument("--case", help=argparse.SUPPRESS)
    parser.add_argument("--seconds", type=float, default=5.0, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    if arguments.case:
        print(json.dumps(CASES[arguments.case](arguments.seconds)))
        return
    rows, lines = [], []
    for case in CASES:
        found = in_own_process(case, 0.5 if arguments.quick else arguments.seconds)
        is_import = case == "import recenv"
        unit = "s" if is_import else "user steps/s"
        rows.append(
            Row(case, "time" if is_import else "throughput", *(found[k] for k in ("median", "low", "high")), unit)
        )
        shown = [f"{found[k]:.3f} s" if is_import else f"{found[k]:,.0f}" for k in ("median", "low", "high")]
        lines.append([case, *shown, "" if is_import else f"{found['peak_mb']:.0f}"])
        if not is_import:
            rows.append(Row(case, "peak_memory", *([found["peak_mb"]] * 3), "MiB"))
    publish(
        "throughput",
        "User steps a second on one core: median, least and largest of at least five runs; peak resident memory (MiB).",
        markdown(["case", "median", "least", "largest", "MiB"], lines),
        rows,
        packages=["recenv", "gymnasium", "numba", "numpy"],
        out=arguments.out,
        write=not arguments.quick,
    )


if __name__ == "__main__":
    main()
