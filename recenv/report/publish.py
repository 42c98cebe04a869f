"""Files into a folder: all are written apart first, then moved, the page last."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path


def publish(folder: str | Path, files: Mapping[str, bytes], *, stale: Iterable[str] = ()) -> None:
    """Write files into a folder, whole or not at all; what else is in the folder stays.

    Parameters
    ----------
    files
        Name -> content; they appear in this order, so that the last is there only with all others.
    stale
        Names that an earlier report may have left and that this one has no content for; they are removed.

    Raises
    ------
    FileExistsError
        If `folder` is a file.
    """
    target = Path(folder)
    if target.exists() and not target.is_dir():
        raise FileExistsError(f"{target} is a file: name a folder for the report")
    target.parent.mkdir(parents=True, exist_ok=True)
    waiting = Path(tempfile.mkdtemp(prefix=f".{target.name}.", dir=target.parent))
    try:
        for name, content in files.items():
            (waiting / name).write_bytes(content)
        target.mkdir(exist_ok=True)
        for name in files:
            os.replace(waiting / name, target / name)
        for name in set(stale) - set(files):
            (target / name).unlink(missing_ok=True)
    finally:
        shutil.rmtree(waiting, ignore_errors=True)
