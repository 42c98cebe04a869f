"""Compile the structural equations once, and never run a stale copy of them.

Numba's cache notices a change in the file of a function, but not in the file of a function that it calls. So the
cache folder is named by a hash of every source that takes part: edit one, and all are compiled again.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import numba

from recenv.storage import user_cache

F = TypeVar("F", bound=Callable[..., Any])

PACKAGE = Path(__file__).resolve().parent.parent
SOURCES = (PACKAGE / "causal", PACKAGE / "envs")


def source_hash(folders: tuple[Path, ...] = SOURCES) -> str:
    """Return a hash over every Python source below `folders`: names and contents."""
    digest = hashlib.sha256(numba.__version__.encode())
    for folder in folders:
        for path in sorted(folder.rglob("*.py")):
            digest.update(path.relative_to(folder).as_posix().encode())
            digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


def cache_folder() -> Path:
    """Return the folder of compiled code: below `NUMBA_CACHE_DIR` where that is set, else below the user's cache."""
    root = os.environ.get("NUMBA_CACHE_DIR")
    return (Path(root) if root else user_cache() / "compiled") / _HASH


_HASH = source_hash()


def is_compiled() -> bool:
    """Say whether an earlier process left compiled code for exactly these sources."""
    return any(cache_folder().rglob("*.nbi"))


def jit(function: F) -> F:
    """Compile a scalar function or loop for the CPU, copied into its callers, with the cache named by the sources.

    No fast-math: results are the same on every machine that follows IEEE 754. The functions allocate nothing, so
    reference counting is off, which would cost more than the equations. With `NUMBA_DISABLE_JIT=1` the function is
    returned as it is. Inside a CUDA kernel Numba compiles the same function for the device.
    """
    return _compile(function, _nrt=False, forceinline=True)


def jit_merged(function: F) -> F:
    """Compile like `jit`, but as a part of each caller: what is small, or has one caller, is never compiled alone.

    The caller's compilation begins with its source; where there are many callers or much arithmetic `jit` costs less.
    """
    return _compile(function, _nrt=False, inline="always")


def jit_apart(function: F) -> F:
    """Compile like `jit`, but as a function of its own: for rare paths, which would only bloat the loop.

    Only compiled functions may call it: to take two dozen arrays from Python apart is as much work to compile again.
    """
    return _compile(function, _nrt=False, no_cpython_wrapper=True)


def jit_allocating(function: F) -> F:
    """Compile a function that makes arrays of its own."""
    return _compile(function)


def _compile(function: F, **options: Any) -> F:
    options["no_cfunc_wrapper"] = True  # nobody calls these from C, and the wrapper is a tenth of the work
    settings: Any = numba.config
    before = settings.CACHE_DIR
    settings.CACHE_DIR = str(cache_folder())
    try:
        return numba.njit(cache=True, nogil=True, error_model="numpy", **options)(function)
    except RuntimeError:  # Numba found no folder that it may write to: compile in every process.
        return numba.njit(nogil=True, error_model="numpy", **options)(function)
    finally:
        settings.CACHE_DIR = before
