"""Runs a program on the compiled CPU loop and in the CUDA simulator, each in a process of its own."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np

ROOT = Path(__file__).parents[2]
SIMULATOR = {"NUMBA_ENABLE_CUDASIM": "1", "NUMBA_DISABLE_JIT": "1"}


def arrays_on_both(program, folder, device):
    """Return the arrays that `tests.envs.PROGRAM` saved on the CPU and on the simulated `device`, by name."""
    plain = {name: value for name, value in os.environ.items() if name not in SIMULATOR}
    found = []
    for place, environment in (("cpu", plain), (device, {**plain, **SIMULATOR})):
        path = folder / f"{place}.npz"
        command = [sys.executable, "-W", "error", "-m", f"tests.envs.{program}", path, place]
        subprocess.run(command, check=True, env=environment, cwd=ROOT)
        with np.load(path) as arrays:
            found.append({name: arrays[name] for name in arrays.files})
    return found
