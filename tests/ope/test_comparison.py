import json

import numpy as np
import pandas as pd
import pytest

from recenv.ope import evaluate

from .bandit import LOGGING, TARGET, VALUE, Table, make_log


@pytest.fixture(scope="module")
def result():
    log = make_log(np.random.default_rng(3), 3_000)
    policies = {"new": Table(TARGET), "same": Table(LOGGING)}
    return evaluate(log, policies, truth={"new": {"one_step": (VALUE, 0.001)}}, replicates=200, progress=False)


def test_verdict_of_the_headline_estimator(result):
    assert result.headline == "dr"
    assert result.verdict("new").level == "ok"
    assert result.verdict("new", "dm").level == "caution"
    with pytest.raises(ValueError, match="no estimate of policy 'old' by 'dr'; policies: new, same"):
        result.verdict("old")


def test_summary_is_up_to_five_lines_that_name_the_winner(result):
    lines = result.summary().splitlines()
    assert 3 <= len(lines) <= 5
    winner = result.table[result.table["estimator"] == "dr"].sort_values("value")["policy"].iloc[-1]
    assert lines[0].startswith("The log (3,000 decisions, 3,000 users) earned")
    assert lines[1].startswith(f"Best by dr: {winner} with")
    assert lines[-1] == "The true one-step value lies in the interval for 1 of 1 policies."


def test_one_policy_is_compared_with_the_log():
    log = make_log(np.random.default_rng(3), 2_000)
    alone = evaluate(log, {"new": Table(TARGET)}, replicates=100, progress=False)
    assert alone.differences.empty
    assert "difference" in alone.differences
    assert "the log" in alone.summary().splitlines()[2]


def test_csv_and_json_hold_the_tables(result, tmp_path):
    result.to_csv(tmp_path / "table.csv")
    read = pd.read_csv(tmp_path / "table.csv")
    np.testing.assert_allclose(read["value"], result.table["value"])
    result.to_json(tmp_path / "all.json")
    content = json.loads((tmp_path / "all.json").read_text())
    assert content["kind"] == "comparison"
    assert [row["policy"] for row in content["table"]] == result.table["policy"].tolist()
    assert content["table"][4]["truth"] is None
    assert content["weights"][-1]["high"] is None or content["weights"][-1]["high"] > 0
    assert content["settings"]["rows"] == 3_000
    assert content["truth"] == {"new": {"one_step": [VALUE, 0.001]}}


def test_weights_are_a_histogram_a_policy(result):
    shares = result.weights.groupby("policy")["rows"].sum()
    assert shares.tolist() == pytest.approx([1.0, 1.0])


def test_the_report_is_written_by_the_report_package(result, tmp_path, monkeypatch):
    import recenv.report

    calls = []
    monkeypatch.setattr(
        recenv.report, "write_report", lambda *args, **kwargs: calls.append((args, kwargs)) or tmp_path, raising=False
    )
    assert result.report(tmp_path, question="which?") == tmp_path
    assert calls == [((result, tmp_path), {"context": {"question": "which?"}})]
