"""`recenv compare` on a log of one's own making: other column names, text ids, no propensities."""

import json

import numpy as np
import pandas as pd
import pytest

from recenv.cli.compare import estimated_propensities, write_comparison
from recenv.cli.own_log import read_own_log

from .test_commands import recenv

NAMES = ("item=sku", "user=customer", "reward=clicked", "propensity=p")


@pytest.fixture(scope="module")
def table():
    rng = np.random.default_rng(0)
    n = 1_200
    item = rng.integers(6, size=n)
    columns = {
        "customer": [f"c{user}" for user in rng.integers(150, size=n)],
        "sku": [f"sku-{'fedcba'[one]}" for one in item],
        "clicked": (rng.random(n) < 0.1 + 0.1 * item).astype(float),
        "p": 1 / 6,
        "age": rng.normal(size=n),
        "time": pd.date_range("2026-01-01", periods=n, freq="min"),
    }
    return pd.DataFrame(columns)


@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_text_items_are_numbered_by_name_and_columns_renamed(table, tmp_path, ending):
    path = tmp_path / f"own.{ending}"
    getattr(table, f"to_{ending}")(path, index=False)
    log = read_own_log(path, NAMES, "age")
    assert log.meta["item_names"] == [f"sku-{letter}" for letter in "abcdef"]
    names = np.array(log.meta["item_names"])
    assert (names[log.item] == table["sku"]).all()
    np.testing.assert_allclose(log.observation["features"][:, 0], table["age"], rtol=1e-6)


def test_semicolons_and_a_byte_order_mark_are_read(table, tmp_path):
    table.to_csv(tmp_path / "own.csv", index=False, sep=";", encoding="utf-8-sig")
    assert read_own_log(tmp_path / "own.csv", NAMES).rows == len(table)


def test_a_file_that_is_no_log_is_refused_as_such(tmp_path):
    (tmp_path / "bad.parquet").write_bytes(b"PAR1 and nothing")
    with pytest.raises(ValueError, match="is truncated or not a Parquet file"):
        read_own_log(tmp_path / "bad.parquet")
    with pytest.raises(FileNotFoundError, match=r"none\.csv is not there; give the path of a log"):
        read_own_log(tmp_path / "none.csv")


def test_the_remedy_is_in_the_words_of_the_command_line(table, tmp_path):
    table.to_csv(tmp_path / "own.csv", index=False)
    with pytest.raises(ValueError, match=r"column 'item' is missing; .*: pass --column item="):
        read_own_log(tmp_path / "own.csv")
    with pytest.raises(ValueError, match=r"--column must be OURS=THEIRS, such as item=sku; got 'sku'"):
        read_own_log(tmp_path / "own.csv", ("sku",))


def test_propensities_that_were_not_logged_are_asked_for_or_estimated(table, tmp_path):
    table.drop(columns="p").to_csv(tmp_path / "own.csv", index=False)
    log = read_own_log(tmp_path / "own.csv", NAMES[:3], "age")
    with pytest.raises(ValueError, match=r"the log has no propensities: pass --logged-by, .* or --propensity shares"):
        estimated_propensities(log, None, None, 0)
    with pytest.raises(ValueError, match="--propensity must be shares or logistic, not 'guess'"):
        estimated_propensities(log, "guess", None, 0)
    for how in ("shares", "logistic"):
        model = estimated_propensities(log, how, None, 0)
        np.testing.assert_allclose(model.probabilities(log.request()).mean(axis=0), 1 / 6, atol=0.03)
    with pytest.raises(ValueError, match="name the columns in --observation"):
        estimated_propensities(read_own_log(tmp_path / "own.csv", NAMES[:3]), "logistic", None, 0)


def test_propensities_that_are_there_are_not_estimated(table, tmp_path):
    table.to_csv(tmp_path / "own.csv", index=False)
    with pytest.raises(ValueError, match="is for a log without propensities; this one has them"):
        estimated_propensities(read_own_log(tmp_path / "own.csv", NAMES), "shares", None, 0)


def test_a_report_from_a_table_of_ones_own(table, tmp_path):
    table.drop(columns="p").to_csv(tmp_path / "own.csv", index=False)
    names = [part for name in NAMES[:3] for part in ("--column", name)]
    policies = ("--policy", "uniform", "--policy", "popularity")
    answer = recenv("compare", "own.csv", *names, *policies, "--propensity", "shares", "-o", "report", cwd=tmp_path)
    assert answer.returncode == 0, answer.stdout + answer.stderr
    content = json.loads((tmp_path / "report" / "report.json").read_text())
    assert content["comparison"]["settings"]["propensity"] == "estimated"
    assert {row["verdict"] for row in content["comparison"]["table"]} <= {"caution", "not enough overlap"}
    assert "sku-a, sku-b, sku-c" in answer.stdout


def test_a_truth_of_other_sessions_is_not_set_beside_the_estimate(tmp_path):
    from recenv import World
    from recenv.agents import UniformAgent
    from recenv.cli.compare import Truths
    from recenv.envs import RecSysVectorEnv
    from recenv.feedback import collect

    env = RecSysVectorEnv(60, world=World.synthetic(0, users=60, items=10).held_out(), horizon=4)
    policy = UniformAgent(env.catalogue)
    log = collect(env, policy, seed=0)
    truths = Truths({}, {"u": {"value": 13.0, "low": 12.0, "high": 14.0}})
    how = {"world": None, "truths": truths, "estimators": ("pdis",), "interval": "student", "confidence": 0.95}
    for place, (asked, known) in enumerate(
        (({}, True), ({"horizon": 4}, True), ({"horizon": 2}, False), ({"gamma": 0.9}, False))
    ):
        folder = tmp_path / str(place)
        write_comparison(log, {"u": policy}, folder, **how, seed=0, context={}, sessions=asked)
        assert pd.read_csv(folder / "estimates.csv")["truth"].notna().all() == known, asked
