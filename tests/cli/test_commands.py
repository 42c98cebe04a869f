"""The command line as a user meets it: in its own process, with exit codes and messages."""

import json
import os
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

from recenv import World


def recenv(*arguments, cwd, **environment):
    command = [sys.executable, "-c", "from recenv.cli import main; main()", *map(str, arguments)]
    env = {**os.environ, "COLUMNS": "200", "RECENV_DATA": str(cwd / "no-data"), "OMP_NUM_THREADS": "1", **environment}
    return subprocess.run(command, cwd=cwd, env=env, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def ratings():
    world = World.synthetic(3, users=60, items=40)
    pairs = world.pairs
    return pd.DataFrame({"user": pairs.user, "item": pairs.item, "rating": world.scale[pairs.level - 1]})


@pytest.fixture(scope="module")
def run(tmp_path_factory, ratings):
    """A whole run from one's own file to a report."""
    folder = tmp_path_factory.mktemp("run")
    ratings.rename(columns={"user": "customer"}).to_csv(folder / "mine.csv", index=False)
    stages = (
        ("fit", "mine.csv", "-o", "world", "--column", "user=customer", "--dims", 4),
        ("train", "epsilon_greedy", "--world", "world", "-o", "agent", "--steps", 800, "--envs", 16, "--horizon", 5),
        ("collect", "--world", "world", "--policy", "uniform", "-o", "log.parquet", "--horizon", 5, "--rounds", 3),
        ("compare", "log.parquet", "--policy", "new=agent", "--policy", "popularity", "--world", "world", "--logged-by",
         "uniform", "-o", "report"),
    )  # fmt: skip
    answers = {stage[0]: recenv(*stage, cwd=folder) for stage in stages}
    return folder, answers


def test_every_stage_runs_from_the_files_of_the_one_before(run):
    _, answers = run
    for stage, answer in answers.items():
        assert answer.returncode == 0, f"{stage}: {answer.stdout}{answer.stderr}"


def test_the_stages_leave_their_records(run):
    folder, _ = run
    assert World.load(folder / "world").n_users == 60
    assert (folder / "agent" / "agent.json").exists()
    table = pd.read_csv(folder / "report" / "estimates.csv")
    assert set(table["policy"]) == {"new", "popularity"}
    assert set(table["estimator"]) == {"ips", "snips", "dm", "dr"}
    assert table["truth"].notna().all()
    html = (folder / "report" / "report.html").read_text(encoding="utf-8")
    assert "recenv compare log.parquet" in html


def test_compare_makes_a_policy_by_name_from_the_log_alone(run):
    folder = run[0]
    answer = recenv("compare", "log.parquet", "--policy", "uniform", "-o", "named", cwd=folder)
    assert answer.returncode == 0, answer.stderr
    assert (folder / "named" / "report.html").is_file()


def test_compare_needs_no_world_for_a_trained_agent(run):
    folder, _ = run
    answer = recenv("compare", "log.parquet", "--policy", "agent", "-o", "plain", cwd=folder)
    assert answer.returncode == 0, answer.stderr
    assert pd.read_csv(folder / "plain" / "estimates.csv")["truth"].isna().all()


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda f: f.drop(columns="rating"), ["rating", "'user', 'item'", "--column"]),
        (
            lambda f: f.astype({"rating": str}).replace({"rating": {f.rating.astype(str)[7]: "good"}}),
            ["rating", "good"],
        ),
        (lambda f: f.assign(rating=f.rating.where(f.index != 5)), ["rating", "7"]),
        (lambda f: pd.concat([f, f.iloc[[3]]]), ["duplicate"]),
        (lambda f: f[f.user == 1], ["user"]),
        (lambda f: f.iloc[:0], ["no ratings"]),
    ],
    ids=["missing column", "text", "NaN", "duplicate", "one user", "empty"],
)
def test_a_bad_ratings_file_is_one_clear_error(tmp_path, ratings, spoil, words):
    spoil(ratings).to_csv(tmp_path / "bad.csv", index=False)
    answer = recenv("fit", "bad.csv", "-o", "world", cwd=tmp_path)
    assert answer.returncode == 1
    assert "Traceback" not in answer.stderr
    message = answer.stderr.lower()
    assert "error:" in message
    for word in words:
        assert word.lower() in message
    assert [path.name for path in tmp_path.iterdir()] == ["bad.csv"]


def test_a_missing_data_set_names_the_command_that_fetches_it(tmp_path):
    answer = recenv("fit", "ml-100k", "-o", "world", cwd=tmp_path)
    assert answer.returncode == 1
    assert "recenv data fetch ml-100k" in answer.stderr


@pytest.mark.parametrize("damage", ["truncated", "newer"])
def test_a_damaged_or_newer_world_is_one_clear_error(run, tmp_path, damage):
    folder, _ = run
    World.load(folder / "world").save(tmp_path / "world")
    if damage == "truncated":
        arrays = tmp_path / "world" / "arrays.npz"
        arrays.write_bytes(arrays.read_bytes()[:1000])
    else:
        header = tmp_path / "world" / "world.json"
        header.write_text(json.dumps({**json.loads(header.read_text()), "format_version": 99}))
    answer = recenv("collect", "--world", "world", "--policy", "uniform", "-o", "x.parquet", cwd=tmp_path)
    assert answer.returncode == 1
    assert "Traceback" not in answer.stderr
    assert {"truncated": "truncated", "newer": "upgrade"}[damage] in answer.stderr
    assert not (tmp_path / "x.parquet").exists()


def test_a_truncated_feedback_file_is_one_clear_error(run, tmp_path):
    folder, _ = run
    (tmp_path / "log.parquet").write_bytes((folder / "log.parquet").read_bytes()[:2000])
    answer = recenv("compare", "log.parquet", "--policy", folder / "agent", "-o", "report", cwd=tmp_path)
    assert answer.returncode == 1
    assert "Traceback" not in answer.stderr
    assert "log.parquet" in answer.stderr
    assert not (tmp_path / "report").exists()


def test_a_foreign_folder_is_not_overwritten(run, tmp_path):
    folder, _ = run
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("three years")
    answer = recenv("fit", folder / "mine.csv", "--column", "user=customer", "-o", "mine", cwd=tmp_path)
    assert answer.returncode == 1
    assert (tmp_path / "mine" / "thesis.txt").read_text() == "three years"


def test_an_unknown_agent_is_answered_with_the_names(run):
    folder, _ = run
    answer = recenv("train", "dqm", "--world", "world", "-o", "x", cwd=folder)
    assert answer.returncode == 1
    assert "dqn" in answer.stderr


def test_agents_are_listed(tmp_path):
    answer = recenv("agents", cwd=tmp_path)
    for name in ("uniform", "popularity", "epsilon_greedy", "softmax", "dqn"):
        assert name in answer.stdout


def test_help_of_every_command_works(tmp_path):
    for command in ("", "demo", "data", "fit", "train", "collect", "compare", "agents"):
        answer = recenv(*command.split(), "--help", cwd=tmp_path)
        assert answer.returncode == 0
        assert "Usage" in answer.stdout


def test_a_seed_repeats_a_fit(run, tmp_path):
    folder, _ = run
    recenv("fit", folder / "mine.csv", "--column", "user=customer", "-o", "again", "--dims", 4, cwd=tmp_path)
    assert np.array_equal(World.load(tmp_path / "again").taste, World.load(folder / "world").taste)
