from dataclasses import replace

import numpy as np
import pytest

from recenv.ope import evaluate
from recenv.report import verdict_lines
from recenv.report.plain_verdict import find_leader, names

from .conftest import made_log


def test_the_best_policy_leads_and_the_refused_one_is_named(comparison):
    lines = verdict_lines(comparison, unit="stars")
    assert len(lines) == 5
    assert lines[0].startswith("good is best: ")
    assert "stars a decision" in lines[0]
    assert lines[1].startswith("How sure: clearly ahead of uniform and bad; the gap to ")
    assert " It is clearly better than what was shown in the log: 0." in lines[1]
    assert lines[-1].startswith("No answer for rare: not enough overlap with the log (")


def test_the_leader_is_the_best_of_those_that_can_be_judged(comparison):
    table = comparison.table[(comparison.table["estimator"] == "dr") & (comparison.table["policy"] != "rare")]
    leader = find_leader(comparison, table)
    assert leader.row["policy"] == table.sort_values("value")["policy"].iloc[-1]
    assert sorted(leader.behind) == ["bad", "uniform"]


def test_a_gap_that_may_be_chance_is_called_so(comparison):
    wide = comparison.differences.assign(lower_simultaneous=-1.0, upper_simultaneous=1.0)
    lines = verdict_lines(replace(comparison, differences=wide))
    assert "looks best, though not clearly" in lines[0]
    assert lines[1].startswith("How sure: not enough to tell good from uniform and bad.")


def test_sessions_that_disagree_are_told(comparison):
    sessions = {"good": {"value": 60.0, "high": 61.0}, "uniform": {"value": 70.0, "low": 69.0}}
    assert (
        "over whole simulated sessions uniform has the highest value, not good."
        in verdict_lines(comparison, sessions=sessions)[2]
    )
    sessions["good"]["high"] = 75.0
    assert "not good, though not clearly." in verdict_lines(comparison, sessions=sessions)[2]
    sessions["good"]["value"] = 70.0
    assert "good has the highest value too." in verdict_lines(comparison, sessions=sessions)[2]


def test_where_nothing_can_be_judged_no_number_is_given(world, policies):
    result = evaluate(made_log(world), {"rare": policies["rare"]}, replicates=50, progress=False)
    lines = verdict_lines(result)
    assert lines[0].startswith("This log cannot tell which policy is better")
    assert len(lines) == 3


def test_one_policy_is_set_against_the_log(world, policies):
    result = evaluate(made_log(world), {"bad": policies["bad"]}, estimators=("snips",), replicates=50, progress=False)
    lines = verdict_lines(result)
    assert lines[0].startswith("bad would have earned ")
    assert lines[1].startswith("How sure: clearly worse than what was shown in the log; the gap to the log is −")


def test_the_truth_is_counted(comparison):
    table = comparison.table.assign(truth=np.where(comparison.table["policy"] == "good", 99.0, np.nan))
    lines = verdict_lines(replace(comparison, table=table))
    assert "it lies in the interval for 0 of 1 judged policy; truly best of these is good." in lines[3]


@pytest.mark.parametrize(
    ("policies_", "text"),
    [(["a"], "a"), (["a", "b"], "a and b"), (list("abc"), "a, b and c"), (list("abcde"), "a, b, c and 2 more")],
)
def test_names_in_words(policies_, text):
    assert names(policies_) == text


def test_a_value_of_whole_sessions_is_not_said_to_miss_them(world, policies):
    near = {"uniform": policies["uniform"]}
    result = evaluate(
        made_log(world), near, estimators=("snpdis",), horizon=1, replicates=50, interval="student", progress=False
    )
    lines = verdict_lines(result)
    assert "a session" in lines[0]
    assert not any("one decision" in line for line in lines)
