"""Compile a function once, keep the code for later processes, and never run a stale copy of it.

Numba's cache notices a change in the file of a function, but not in the file of a function that it calls. So the
cache folder is named by a hash of every source that takes part: edit one, and all are compiled again. Where no folder
can be written to, every process compiles for itself, and says so once.
"""

from __future__ import annotations

import functools
import hashlib
import os
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import numba

from recenv.storage import user_cache

F = TypeVar("F", bound=Callable[..., Any])
Folders = tuple[Path, ...]


def source_hash(folders: Folders) -> str:
    """Return a hash over every Python source below `folders`: names and contents."""
    digest = hashlib.sha256(numba.__version__.encode())
    for folder in folders:
        for path in sorted(folder.rglob("*.py")):
            digest.update(path.relative_to(folder).as_posix().encode())
            digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


def cache_root() -> Path:
    """Return where compiled code is kept: `NUMBA_CACHE_DIR` where that is set, else below the user's cache."""
    root = os.environ.get("NUMBA_CACHE_DIR")
    return Path(root) if root else user_cache() / "compiled"


def compiled(function: F, *, folder: Path | None = None, signature: Any = None, **options: Any) -> F:
    """Return a function compiled for the CPU, its code cached.

    Parameters
    ----------
    function
        What it calls must be compiled too.
    folder
        The cache, named by all sources that take part; by default by those beside the function's file and below.
    signature
        Numba's types of the arguments, to compile at once; None compiles at the first call.
    options
        Of `numba.njit`.
    """
    place = cache_root() / _hash_beside(function.__code__.co_filename) if folder is None else folder
    settings: Any = numba.config
    before = settings.CACHE_DIR
    settings.CACHE_DIR = str(place)
    try:
        return numba.njit(signature, cache=True, **options)(function)
    except RuntimeError:  # of Numba: it found no folder that it may write to
        _say_uncached()
        return numba.njit(signature, **options)(function)
    finally:
        settings.CACHE_DIR = before


def compiling(**options: Any) -> Callable[[F], F]:
    """Return the decorator that compiles a function with options of `numba.njit`; see `compiled`."""
    return functools.partial(compiled, **options)


@functools.cache
def _hash_beside(file: str) -> str:
    return source_hash((Path(file).parent,))


@functools.cache
def _say_uncached() -> None:
    """Warn, once a process."""
    warnings.warn(
        f"compiled code can be kept neither below {cache_root()} nor beside the package: every process compiles anew, "
        "which takes it seconds; set NUMBA_CACHE_DIR to a folder that can be written to",
        RuntimeWarning,
        stacklevel=4,
    )
