"""Which software and machine a result was made with."""

from __future__ import annotations

import os
import platform
from importlib import metadata

from recenv._version import __version__

PACKAGES = (
    "gymnasium", "matplotlib", "networkx", "numba", "numpy", "pandas", "pyarrow", "scikit-learn", "scipy",
    "stable-baselines3", "torch",
)  # fmt: skip


def collect_versions() -> dict[str, str]:
    """Return software -> version of recenv, Python and the installed packages, without importing them."""
    found = {"recenv": __version__, "Python": platform.python_version()}
    for name in PACKAGES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found


def describe_machine() -> str:
    """Return the machine in a line: processors, architecture and operating system; no host name."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return f"{cores} CPU core{'s' * (cores != 1)}, {platform.machine()}, {platform.system()} {platform.release()}"
