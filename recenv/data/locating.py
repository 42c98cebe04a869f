"""Where a data set lies on this computer, and whether its files are the right ones."""

from __future__ import annotations

import shlex
from pathlib import Path

from recenv.data.home import data_home
from recenv.data.registry import DataSet, Member
from recenv.storage import file_sha256


def locate(entry: DataSet, home: str | Path | None = None) -> Path:
    """Return the folder of a data set: `<home>/<name>`, or `home` itself if the files lie in it.

    Raises
    ------
    FileNotFoundError
        If a required file is missing, with the command that fetches it or the folder to name.
    """
    folder = find(entry, home)
    if folder is None:
        raise FileNotFoundError(_missing(entry, home))
    return folder


def find(entry: DataSet, home: str | Path | None = None) -> Path | None:
    """Return the folder of a data set, or None if it is not there."""
    base = data_home(home)
    folders = (base / entry.name, base) if home is not None else (base / entry.name,)
    return next((folder for folder in folders if _complete(entry, folder)), None)


def check_members(entry: DataSet, folder: Path, home: str | Path | None = None) -> None:
    """Refuse a fetched data set whose files were cut or changed.

    Raises
    ------
    ValueError
        If a file's size or checksum is wrong, with the command that fetches it again.
    """
    for member in entry.members:
        if not is_intact(member, folder):
            raise ValueError(
                f"{folder / member.target} is truncated or altered (its checksum differs); fetch it again: "
                f"{fetch_command(entry, home)}"
            )


def is_intact(member: Member, folder: Path) -> bool:
    """Return whether a file is there with the registered size and checksum."""
    path = folder / member.target
    return path.is_file() and path.stat().st_size == member.size and file_sha256(path) == member.sha256


def fetch_command(entry: DataSet, home: str | Path | None = None) -> str:
    """Return the command that fetches a data set to where it was looked for."""
    option = "" if home is None else f" --home {shlex.quote(str(home))}"
    return f"recenv data fetch {entry.name}{option}"


def _complete(entry: DataSet, folder: Path) -> bool:
    return all((folder / member.target).is_file() for member in entry.members if member.required)


def _missing(entry: DataSet, home: str | Path | None) -> str:
    base = data_home(home)
    if entry.source is not None:
        return f"{entry.name} is not in {base}; fetch it with: {fetch_command(entry, home)}"
    files = ", ".join(member.target for member in entry.members if member.required)
    return (
        f"{entry.name} is not in {base} and is not downloaded (its terms do not allow it, or nobody ships it): get it "
        f"from its owners, put {files} into a folder, and name the folder with home= or --home"
    )
