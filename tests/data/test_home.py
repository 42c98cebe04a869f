import sys
from pathlib import Path

import pytest

from recenv.data import data_home


def test_the_argument_wins_over_the_variable(monkeypatch, tmp_path):
    monkeypatch.setenv("RECENV_DATA", "elsewhere")
    assert data_home(tmp_path) == tmp_path
    assert data_home() == Path("elsewhere")


def test_a_tilde_is_the_users_home():
    assert data_home("~/x") == Path.home() / "x"


@pytest.mark.parametrize(
    ("platform", "variable", "expected"),
    [
        ("linux", "XDG_CACHE_HOME", Path("cache") / "recenv" / "data"),
        ("linux", None, Path.home() / ".cache" / "recenv" / "data"),
        ("darwin", None, Path.home() / "Library" / "Caches" / "recenv" / "data"),
        ("win32", "LOCALAPPDATA", Path("cache") / "recenv" / "data"),
        ("win32", None, Path.home() / "AppData" / "Local" / "recenv" / "data"),
    ],
)
def test_each_platform_has_its_cache(monkeypatch, platform, variable, expected):
    for name in ("RECENV_DATA", "XDG_CACHE_HOME", "LOCALAPPDATA"):
        monkeypatch.delenv(name, raising=False)
    if variable:
        monkeypatch.setenv(variable, "cache")
    monkeypatch.setattr(sys, "platform", platform)
    assert data_home() == expected
