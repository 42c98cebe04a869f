"""Throughput: how many user steps a second the environments make, in how much memory, beside other simulators.

Every figure is measured in a process of its own, pinned to one core where the system allows it (two for two threads),
with every mechanism on (the funnel too), 1,682 items, resets included and the observation copied out. Gymnasium's
CartPole, measured in the same way in the same run, is the cost of the interface itself. Other simulators run in the
interpreters that RECSIM_PYTHON, SCOPE_RL_PYTHON and SARDINE_PYTHON name; one without is left out, with the reason.

    python benchmarks/throughput.py [--quick] [--out FILE.json]
"""

from __future__ import annotations

import argparse
import json
import math
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from result_table import Row, markdown, publish
from throughput_peers import PEERS, gymnasium_env, rate

ITEMS, USERS = 1682, 943
SEED = 0
SINGLE = "RecSys-v0, gym.make"
RATE, TIME, MEMORY, SHARE = "user steps/s", "s", "MiB", "share"
INTERPRETERS = {"RecSim": "RECSIM_PYTHON", "SCOPE-RL": "SCOPE_RL_PYTHON", "SARDINE": "SARDINE_PYTHON"}


class Case(NamedTuple):
    """One row of the table."""

    measure: Callable[[float], dict[str, float]]
    """Given the seconds to spend, return median, low, high and memory (MiB, NaN where it is not the question)."""
    unit: str = RATE
    cores: int = 1
    target: float = math.nan
    """What the project aims at; NaN for cases that are only there to compare with."""


def world_options(items: int = ITEMS) -> dict[str, Any]:
    """Return the world of the benchmark: synthetic, every mechanism on."""
    import recenv

    world = recenv.World.synthetic(SEED, users=USERS, items=items, dims=16, topics=18)
    return {"world": world, "behaviour": recenv.Behaviour(funnel=1.0)}


def single(seconds: float, env_id: str, **options: Any) -> dict[str, float]:
    """Measure one environment through `gym.make`, actions drawn beforehand."""
    import gymnasium
    import numpy as np

    env = gymnasium.make(env_id, **options)
    actions = np.random.default_rng(SEED).integers(int(env.action_space.n), size=10_000).tolist()  # type: ignore[attr-defined]
    return rate(seconds, gymnasium_env(env, actions))


def vector(seconds: float, env_id: str, users: int, *, threads: int = 1, **options: Any) -> dict[str, float]:
    """Measure the native vector environment."""
    import gymnasium
    import numpy as np

    env = gymnasium.make_vec(env_id, num_envs=users, vectorization_mode="vector_entry_point", **options)
    if threads > 1:
        env.unwrapped.core.threads = threads  # type: ignore[attr-defined]
    steps = max(1, 200_000 // users)
    space: Any = env.single_action_space
    choices = int(np.max(space.nvec)) if hasattr(space, "nvec") else int(space.n)
    actions = np.random.default_rng(SEED).integers(choices, size=(steps, *(env.action_space.shape or ())))
    env.reset(seed=SEED)

    def run() -> int:
        for step in actions:
            env.step(step)
        return steps * users

    return rate(seconds, run)


def ours(users: int, *, items: int = ITEMS, **options: Any) -> Callable[[float], dict[str, float]]:
    """Return the measurement of a vector environment of ours."""
    return lambda seconds: vector(seconds, "RecSys-v0", users, **{**world_options(items), **options})


def resident(seconds: float) -> dict[str, float]:
    """Return the memory that is resident while 1,024 users step."""
    found = ours(1024)(min(seconds, 1.0))
    status = Path("/proc/self/status")
    lines = status.read_text().splitlines() if status.exists() else []
    held = [float(line.split()[1]) / 1024 for line in lines if line.startswith("VmRSS")]
    value = held[0] if held else found["memory"]
    return {"median": value, "low": value, "high": value, "memory": value}


def times(commands: int, code: str, environment: dict[str, str] | None = None) -> dict[str, float]:
    """Return the median, least and largest of the seconds that `code` prints last, in fresh processes."""
    measured = sorted(
        float(subprocess.check_output([sys.executable, "-c", code], env=environment).split()[-1])
        for _ in range(commands)
    )
    return {"median": measured[len(measured) // 2], "low": measured[0], "high": measured[-1], "memory": math.nan}


FIRST_STEP = """
import time
begin = time.perf_counter()
import gymnasium, recenv, numpy
env = gymnasium.make_vec("RecSys-v0", num_envs=64, vectorization_mode="vector_entry_point")
env.reset(seed=0)
env.step(numpy.zeros(64, int))
print(time.perf_counter() - begin)
"""
IMPORT = "import time; begin = time.perf_counter(); import recenv; print(time.perf_counter() - begin)"


def first_call(_: float) -> dict[str, float]:
    """Return the seconds to a first step on a machine that has compiled nothing yet."""
    with tempfile.TemporaryDirectory() as folder:
        return times(1, FIRST_STEP, {**os.environ, "NUMBA_CACHE_DIR": folder})


def training_share(seconds: float, algorithm: str) -> dict[str, float]:
    """Return the environment's share of the wall time of training at 64 environments."""
    import stable_baselines3
    import torch

    from recenv.sb3 import RecSysVecEnv

    torch.set_num_threads(1)
    env = RecSysVecEnv(64, **world_options())
    spent = 0.0
    step = env.step_wait

    def timed() -> Any:
        nonlocal spent
        begin = time.perf_counter()
        returned = step()
        spent += time.perf_counter() - begin
        return returned

    env.step_wait = timed  # type: ignore[method-assign]
    options = {"learning_starts": 64, "buffer_size": 10_000, "gradient_steps": -1} if algorithm == "DQN" else {}
    if algorithm == "PPO":
        options = {"n_steps": 32}
    model = getattr(stable_baselines3, algorithm)("MlpPolicy", env, seed=SEED, device="cpu", **options)
    model.learn(4096)
    shares: list[float] = []
    end = time.perf_counter() + seconds
    while len(shares) < 3 or time.perf_counter() < end:
        spent, begin = 0.0, time.perf_counter()
        model.learn(4096)
        shares.append(spent / (time.perf_counter() - begin))
    shares.sort()
    return {"median": shares[len(shares) // 2], "low": shares[0], "high": shares[-1], "memory": math.nan}


CASES: dict[str, Case] = {
    SINGLE: Case(lambda s: single(s, "RecSys-v0", **world_options()), target=200e3),
    "RecSys-v0, make_vec, 64 users": Case(ours(64), target=3e6),
    "RecSys-v0, make_vec, 1,024 users": Case(ours(1024), target=10e6),
    "RecSys-v0, make_vec, 4,096 users": Case(ours(4096), target=10e6),
    "RecSys-v0, make_vec, 4,096 users, two threads": Case(ours(4096, threads=2), cores=2, target=18e6),
    "RecSysSlate-v0, slate of 10, 1,024 users": Case(ours(1024, slate_size=10), target=3e6),
    "RecSys-v0, 100,000 items, 1,024 users": Case(ours(1024, items=100_000)),
    "RecSys-v0, make_vec, 1,024 users, mechanisms off": Case(ours(1024, behaviour="off")),
    "SB3 PPO, 64 environments": Case(lambda s: training_share(s, "PPO"), SHARE, target=0.05),
    "SB3 DQN, 64 environments": Case(lambda s: training_share(s, "DQN"), SHARE, target=0.05),
    "resident while stepping, 1,024 users": Case(resident, MEMORY, target=200),
    "first step, nothing compiled": Case(first_call, TIME, target=20),
    "first step, from the cache": Case(lambda _: times(3, FIRST_STEP), TIME, target=2),
    "import recenv": Case(lambda _: times(5, IMPORT), TIME),
    "CartPole-v1, gym.make": Case(lambda s: single(s, "CartPole-v1")),
    "CartPole-v1, make_vec, 1,024": Case(lambda s: vector(s, "CartPole-v1", 1024)),
}


def in_own_process(name: str, seconds: float) -> dict[str, float]:
    """Measure one case in a fresh process (twice, so that compilation is over)."""
    answer = b""
    for attempt in (0.0, seconds):
        answer = subprocess.check_output([sys.executable, __file__, "--case", name, "--seconds", str(attempt)])
    found: dict[str, float] = json.loads(answer.splitlines()[-1])
    return found


def peer(name: str, seconds: float) -> dict[str, float] | None:
    """Measure another simulator, or say why not."""
    variable = next(value for key, value in INTERPRETERS.items() if name.startswith(key))
    python = os.environ.get(variable)
    if python is None:
        print(f"left out: {name}; set {variable} to the interpreter of an environment that has it")
        return None
    script = Path(__file__).with_name("throughput_peers.py")
    run = subprocess.run([python, script, name, str(seconds)], capture_output=True, text=True, check=False)
    if run.returncode:
        reason = run.stderr.strip().splitlines()[-1:] or ["no message"]
        print(f"left out: {name}; it failed: {reason[0]}")
        return None
    found: dict[str, float] = json.loads(run.stdout.splitlines()[-1])
    return found


def pin(cores: int) -> None:
    """Keep this process on the first cores that it may use, where the system allows it."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, set(sorted(os.sched_getaffinity(0))[:cores]))


def shown(value: float, unit: str) -> str:
    """Return a number of the table in its unit."""
    form = {RATE: ",.0f", TIME: ".2f", MEMORY: ",.0f", SHARE: ".1%"}[unit]
    return "" if math.isnan(value) else f"{value:{form}}"


def line(name: str, unit: str, found: dict[str, float], target: float, reference: float) -> list[str]:
    """Return one line of the table; the ratio is ours, single through `gym.make`, to this one."""
    ratio = f"{reference / found['median']:,.1f}" if unit == RATE else ""
    numbers = [shown(found[key], unit) for key in ("median", "low", "high")]
    return [name, unit, *numbers, shown(target, unit), ratio, shown(found["memory"], MEMORY)]


def rows_of(name: str, unit: str, found: dict[str, float], config: dict[str, Any]) -> list[Row]:
    """Return the JSON rows of a case."""
    metric = {RATE: "throughput", TIME: "time", MEMORY: "resident_memory", SHARE: "environment_share"}[unit]
    rows = [Row(name, metric, found["median"], found["low"], found["high"], unit, config)]
    if unit == RATE:
        rows.append(Row(name, "peak_memory", *([found["memory"]] * 3), MEMORY, config))
    return rows


def main() -> None:
    """Measure every case and publish the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="shorter runs; the committed table is left alone")
    parser.add_argument("--out", type=Path, help="JSON rows")
    parser.add_argument("--case", help=argparse.SUPPRESS)
    parser.add_argument("--seconds", type=float, default=5.0, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.case:
        pin(CASES[arguments.case].cores)
        print(json.dumps(CASES[arguments.case].measure(arguments.seconds)))
        return
    seconds = 0.5 if arguments.quick else arguments.seconds
    measured: list[tuple[str, Case, dict[str, float]]] = []
    for name, case in CASES.items():
        measured.append((name, case, in_own_process(name, seconds)))
    pin(1)  # children inherit it: the other simulators get the same core
    for name in PEERS:
        found = peer(name, seconds)
        if found is not None:
            measured.append((name, Case(lambda _: {}), found))
    reference = next(found["median"] for name, _, found in measured if name == SINGLE)
    lines = [line(name, case.unit, found, case.target, reference) for name, case, found in measured]
    rows = [
        row
        for name, case, found in measured
        for row in rows_of(
            name,
            case.unit,
            found,
            {"cores": case.cores, **({} if math.isnan(case.target) else {"target": case.target})},
        )
    ]
    publish(
        "throughput",
        "User steps a second: median, least and largest of at least five runs, on one core unless it says two; the "
        f"ratio is the rate of `{SINGLE}` to this one; MiB is the largest resident memory of the process.",
        markdown(["case", "unit", "median", "least", "largest", "target", "ratio", "MiB"], lines),
        rows,
        packages=["recenv", "gymnasium", "stable-baselines3", "numba", "numpy"],
        out=arguments.out,
        write=not arguments.quick,
    )


if __name__ == "__main__":
    main()
