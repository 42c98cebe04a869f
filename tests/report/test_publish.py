import os

import pytest

from recenv.report.publish import publish


def test_files_replace_older_ones(tmp_path):
    publish(tmp_path / "r", {"a": b"1", "b": b"2"})
    publish(tmp_path / "r", {"a": b"3"}, stale=["a", "b", "c"])
    assert {path.name: path.read_bytes() for path in (tmp_path / "r").iterdir()} == {"a": b"3"}


def test_a_failure_while_writing_leaves_nothing(tmp_path):
    with pytest.raises(TypeError):
        publish(tmp_path / "r", {"a": b"1", "b": None})
    assert list(tmp_path.iterdir()) == []


def test_a_failure_while_writing_leaves_the_earlier_report(tmp_path):
    publish(tmp_path / "r", {"a": b"old"})
    with pytest.raises(TypeError):
        publish(tmp_path / "r", {"a": b"new", "b": None})
    assert [path.name for path in tmp_path.iterdir()] == ["r"]
    assert (tmp_path / "r" / "a").read_bytes() == b"old"


def test_the_last_file_is_there_only_with_all_others(tmp_path, monkeypatch):
    moved, replace = [], os.replace

    def failing(source, target):
        if len(moved) == 2:
            raise OSError("disk full")
        moved.append(os.path.basename(target))
        replace(source, target)

    monkeypatch.setattr(os, "replace", failing)
    with pytest.raises(OSError, match="disk full"):
        publish(tmp_path / "r", {"a": b"1", "b": b"2", "page": b"3"})
    assert moved == ["a", "b"]
    assert {path.name for path in (tmp_path / "r").iterdir()} == {"a", "b"}
    assert [path.name for path in tmp_path.iterdir()] == ["r"]


def test_a_file_in_the_way_is_named(tmp_path):
    (tmp_path / "r").write_text("mine")
    with pytest.raises(FileExistsError, match="r is a file: name a folder for the report"):
        publish(tmp_path / "r", {"a": b"1"})
    assert (tmp_path / "r").read_text() == "mine"
