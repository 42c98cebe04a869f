"""Files are written whole or not at all, and say which format they are in.

Every record of recenv is either one file or a folder of `<kind>.json` (metadata) and `arrays.npz` (numbers).
Nothing that is read can execute code.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
import sys
import tempfile
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recenv._version import __version__

ARRAYS = "arrays.npz"


def user_cache() -> Path:
    """Return recenv's folder in the user's cache, by the platform's own convention."""
    if sys.platform == "win32":
        root = os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local"
    elif sys.platform == "darwin":
        root = Path.home() / "Library" / "Caches"
    else:
        root = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(root) / "recenv"


@contextlib.contextmanager
def atomic_file(path: str | Path) -> Iterator[Path]:
    """Yield a temporary path beside `path`; move it there when the block succeeds, remove it when it fails."""
    target = Path(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=f".{target.name}.", suffix=target.suffix, dir=target.parent)
    os.close(handle)
    temporary = Path(name)
    try:
        yield temporary
        temporary.chmod(0o644)
        os.replace(temporary, target)
    finally:
        temporary.unlink(missing_ok=True)


@contextlib.contextmanager
def atomic_folder(path: str | Path, kind: str) -> Iterator[Path]:
    """Yield a temporary folder; it takes the place of `path` when the block succeeds.

    Raises
    ------
    ValueError
        If `path` exists and is not a record of this kind (so a slip of the pen never deletes other files).
    """
    target = Path(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    if target.exists() and not _replaceable(target, kind):
        raise ValueError(
            f"{target} exists and is not a saved {kind}; it is left alone: choose another -o, or remove it yourself"
        )
    temporary = Path(tempfile.mkdtemp(prefix=f".{target.name}.", dir=target.parent))
    try:
        yield temporary
        temporary.chmod(0o755)
        old = temporary.with_name(temporary.name + ".old")
        if target.exists():
            os.replace(target, old)
        os.replace(temporary, target)
        shutil.rmtree(old, ignore_errors=True)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _replaceable(path: Path, kind: str) -> bool:
    return path.is_dir() and ((path / f"{kind}.json").is_file() or not any(path.iterdir()))


def write_json(path: str | Path, content: Any) -> None:
    """Write `content` as indented JSON, atomically."""
    with atomic_file(path) as temporary:
        temporary.write_text(json.dumps(content, indent=2, allow_nan=False) + "\n", encoding="utf-8")


def write_record(
    folder: str | Path,
    kind: str,
    *,
    version: int,
    meta: Mapping[str, Any],
    arrays: Mapping[str, NDArray[Any]],
) -> None:
    """Write a record as a folder: `<kind>.json` with a checksum of the arrays, and `arrays.npz`.

    Arrays of strings are stored as fixed-width text; object arrays are refused, since they would need pickle.
    """
    for name, array in arrays.items():
        if array.dtype == object:
            raise TypeError(f"array {name!r} holds Python objects; convert it to numbers or fixed-width text first")
    with atomic_folder(folder, kind) as temporary:
        np.savez_compressed(temporary / ARRAYS, **dict(arrays))  # type: ignore[arg-type]
        header = {
            "kind": kind,
            "format_version": version,
            "recenv": __version__,
            "arrays_sha256": file_sha256(temporary / ARRAYS),
        }
        write_json(temporary / f"{kind}.json", {**header, **meta})


def read_record(folder: str | Path, kind: str, *, version: int) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
    """Read a folder written by `write_record`, and say plainly what is wrong when it cannot be.

    Raises
    ------
    FileNotFoundError
        If the folder is not there, or not a record of this kind.
    ValueError
        If the record is truncated, altered, or from a newer version of recenv.
    """
    path = Path(folder)
    header = path / f"{kind}.json"
    if not header.is_file():
        raise FileNotFoundError(f"{path} is not a saved {kind}: there is no {kind}.json in it")
    try:
        meta = json.loads(header.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ValueError(f"{header} is damaged ({error}); make the {kind} again") from None
    if not isinstance(meta, dict):
        raise ValueError(f"{header} is damaged (not a JSON object); make the {kind} again")
    check_version(meta.get("format_version"), version, header)
    return meta, _read_arrays(path / ARRAYS, meta.get("arrays_sha256"), kind)


def _read_arrays(path: Path, digest: str | None, kind: str) -> dict[str, NDArray[Any]]:
    if not path.is_file() or file_sha256(path) != digest:
        state = "missing" if not path.is_file() else "truncated or altered (its checksum differs)"
        raise ValueError(f"{path} is {state}; make the {kind} again or copy it once more")
    try:
        with np.load(path, allow_pickle=False) as archive:
            return {name: archive[name] for name in archive.files}
    except (zipfile.BadZipFile, OSError, ValueError) as error:
        raise ValueError(f"{path} cannot be read ({error}); make the {kind} again") from None


def check_version(found: Any, supported: int, path: Path) -> None:
    """Refuse a format that this version of recenv does not know."""
    if isinstance(found, bool) or not isinstance(found, int) or found < 1:
        raise ValueError(f"{path} does not say its format version; it was not written by recenv, or is damaged")
    if found > supported:
        raise ValueError(
            f"{path} is in format {found}, and recenv {__version__} reads up to format {supported}: "
            "it was written by a newer recenv; upgrade with `pip install --upgrade recenv`"
        )


def file_sha256(path: str | Path) -> str:
    """Return the SHA-256 of a file as hexadecimal text."""
    with open(path, "rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
