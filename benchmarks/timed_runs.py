"""Seconds and memory of work that runs in a process of its own, with one thread."""

from __future__ import annotations

import json
import os
import subprocess
import time
from collections.abc import Callable
from importlib.metadata import version
from typing import Any

Answer = dict[str, Any]
ONE_THREAD = {f"{name}_NUM_THREADS": "1" for name in ("OMP", "OPENBLAS", "MKL", "NUMBA")}


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


def in_own_process(python: str, script: str, *case: str) -> Answer:
    """Return what `script --case CASE...` prints as JSON on its last line, from a fresh interpreter."""
    command = [python, script, "--case", *case]
    answer = subprocess.check_output(command, env={**os.environ, **ONE_THREAD})
    found: Answer = json.loads(answer.splitlines()[-1])
    return found


def installed(*packages: str) -> str:
    """Return "name version, ..." of packages in this interpreter."""
    return ", ".join(f"{name} {version(name)}" for name in packages)
