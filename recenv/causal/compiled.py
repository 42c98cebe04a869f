"""Compile the structural equations once, and never run a stale copy of them (`recenv.compiled`).

Equations call each other across files of two packages, so one cache is named by the sources of both.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from recenv.compiled import cache_root, compiled, source_hash

F = TypeVar("F", bound=Callable[..., Any])

PACKAGE = Path(__file__).resolve().parent.parent
SOURCES = (PACKAGE / "causal", PACKAGE / "envs")


def cache_folder() -> Path:
    """Return the folder of the compiled equations (see `cache_root`)."""
    return cache_root() / _HASH


_HASH = source_hash(SOURCES)


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
    return compiled(function, folder=cache_folder(), nogil=True, error_model="numpy", **options)
