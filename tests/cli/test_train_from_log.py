"""`recenv train --log`, called as a function: a process a case would cost more than the case."""

import json

import numpy as np
import pytest
import torch
import typer

from recenv.agents import load_agent
from recenv.cli.gate_ledger import GateLedger
from recenv.cli.train import train_agent
from recenv.feedback import LoggedFeedback

CHANCE = np.array([[0.9, 0.2, 0.3, 0.4], [0.1, 0.3, 0.8, 0.2]])


@pytest.fixture(autouse=True, scope="module")
def one_thread():
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def write_log(path, rows=2_000, chance=CHANCE, seed=0):
    rng = np.random.default_rng(seed)
    context, item = rng.integers(2, size=rows), rng.integers(4, size=rows)
    LoggedFeedback(
        episode=np.arange(rows),
        step=np.zeros(rows, int),
        position=np.zeros(rows, int),
        user=np.arange(rows) // 2,
        item=item,
        reward=(rng.random(rows) < chance[context, item]).astype(float),
        propensity=np.full(rows, 0.25),
        terminated=np.zeros(rows, bool),
        truncated=np.ones(rows, bool),
        observation={"features": np.eye(2, dtype=np.float32)[context]},
        n_items=4,
    ).save(path)


@pytest.fixture
def log(tmp_path):
    write_log(tmp_path / "log.parquet")
    return tmp_path / "log.parquet"


def test_a_better_agent_is_released_under_its_name(log, tmp_path, capsys):
    train_agent("best_fixed", log=log, gate=0.95, output=tmp_path / "agent")
    assert "released: on 400 users" in capsys.readouterr().out.replace("\n", " ")
    said = json.loads((tmp_path / "agent" / "gate.json").read_text())
    assert said["released"]
    assert said["lower"] > 0
    assert load_agent(tmp_path / "agent").name == "best_fixed"


def test_an_agent_that_is_no_better_is_kept_under_a_name_that_says_so(tmp_path, capsys):
    write_log(tmp_path / "log.parquet", rows=1_000, chance=np.full((2, 4), 0.5))
    with pytest.raises(typer.Exit) as stopped:
        train_agent("best_fixed", log=tmp_path / "log.parquet", gate=0.95, output=tmp_path / "agent")
    assert stopped.value.exit_code == 1
    assert not (tmp_path / "agent").exists()
    said = json.loads((tmp_path / "agent-refused" / "gate.json").read_text())
    assert not said["released"]
    assert said["reason"] in capsys.readouterr().out.replace("\n", " ")
    assert load_agent(tmp_path / "agent-refused").name == "best_fixed"


def test_a_second_test_of_a_log_is_counted_and_a_new_log_starts_anew(log, tmp_path):
    train_agent("best_fixed", log=log, gate=0.95, output=tmp_path / "one")
    train_agent("best_fixed", log=log, gate=0.95, output=tmp_path / "two")
    assert json.loads((tmp_path / "two" / "gate.json").read_text())["test"] == 2
    write_log(log, seed=1)
    assert GateLedger(log).tests == 0


def test_a_damaged_ledger_is_refused(log):
    log.with_name("log.parquet.gate.json").write_text("{")
    with pytest.raises(ValueError, match=r"log\.parquet\.gate\.json is damaged"):
        GateLedger(log)


def test_without_a_gate_the_whole_log_teaches(log, tmp_path, capsys):
    train_agent("best_fixed", log=log, output=tmp_path / "agent")
    assert "2,000 shown items" in capsys.readouterr().out
    assert load_agent(tmp_path / "agent").sums.count.sum() == 2_000
    assert not log.with_name("log.parquet.gate.json").exists()


@pytest.mark.parametrize(
    ("name", "how", "words"),
    [
        ("uniform", {"log": True}, r"agent 'uniform' has no fit\(log\)"),
        ("best_fixed", {"gate": 0.95}, "pass --log"),
        ("best_fixed", {}, "pass --world or --log"),
        ("best_fixed", {"log": True, "world": "synthetic-1"}, "items, the log 4"),
    ],
)
def test_wrong_use_is_refused_with_the_remedy(log, name, how, words):
    with pytest.raises(ValueError, match=words):
        train_agent(name, **{**how, **({"log": log} if how.get("log") else {})})
