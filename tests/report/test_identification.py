"""The assumptions, the question and the data card of a report without a world."""

from dataclasses import replace

import pytest

from recenv.ope import evaluate
from recenv.report import write_report

from .conftest import made_log
from .reading import Page


def page_of(comparison, folder):
    return Page(write_report(comparison, folder).read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def near(world, policies):
    chosen = {name: policies[name] for name in ("good", "uniform")}
    return evaluate(made_log(world), chosen, estimators=("snips",), sensitivity=True, replicates=50, progress=False)


def told(page):
    return {row[0]: row[2] for row in page.table("The causal assumptions")[1:]}


def test_every_assumption_stands_beside_what_the_log_says_of_it(near, tmp_path):
    found = told(page_of(near, tmp_path))
    assert list(found) == [
        "No interference", "No hidden cause", "Right propensities", "Overlap", "Nothing drifts", "Separate users",
    ]  # fmt: skip
    assert found["No hidden cause"].endswith("stands under its own heading above.")
    assert found["Right propensities"].startswith("Tested: the logged probabilities fit what was shown")
    assert found["Overlap"].startswith("At worst ")


def test_what_failed_is_called_doubtful_and_what_is_refused_is_named(comparison, tmp_path):
    audits = comparison.audits.copy()
    audits.loc[audits["audit"] == "propensity_calibration", "p_value"] = 1e-6
    found = told(page_of(replace(comparison, audits=audits), tmp_path))
    assert found["Right propensities"].startswith("Doubtful (smallest p value")
    assert found["Overlap"] == "Too little for rare, whose numbers are refused."
    assert found["No hidden cause"].endswith("was not asked.")


def test_estimated_propensities_are_no_tested_ones(near, tmp_path):
    guessed = replace(near, settings={**near.settings, "propensity": "estimated"})
    assert told(page_of(guessed, tmp_path))["Right propensities"].startswith("They were not logged but estimated")


def test_the_data_card_has_the_extremes_of_the_log(near, world, tmp_path):
    log = made_log(world)
    assert near.settings["data"] == {
        "lowest reward": log.reward.min(),
        "highest reward": log.reward.max(),
        "share of rewards that are 0": 0.0,
        "smallest propensity": log.propensity.min(),
        "largest propensity": log.propensity.max(),
    }
    assert "smallest propensity" in page_of(near, tmp_path).text


def test_the_question_is_that_of_the_headline(world, policies, tmp_path):
    asked = {"estimators": ("snpdis",), "horizon": 3, "gamma": 0.5, "replicates": 50, "progress": False}
    text = page_of(evaluate(made_log(world), {"uniform": policies["uniform"]}, **asked), tmp_path).text
    assert "The policy value: the mean total reward of a session of up to 3 steps" in text
    assert "a step counts 0.5 times the one before" in text
    assert "One-step value" not in text.split("Glossary")[0]
    assert "No state was declared." in text


def test_a_refused_policy_is_in_no_picture_of_hidden_causes(world, policies):
    result = evaluate(made_log(world), policies, sensitivity=(1.0, 2.0), replicates=50, progress=False)
    assert "rare" not in set(result.sensitivity["versus"])
    assert {"uniform", "bad", "log"} <= set(result.sensitivity["versus"])
