import dataclasses

import pytest

from recenv.causal import Behaviour
from recenv.report.assumptions import MECHANISMS, assumption_table
from recenv.report.section_world import world_section

CARD = {
    "source": "ratings",
    "fit": {},
    "measured_on": "held-out second part",
    "rmse": 0.9512,
    "rmse_of_the_mean_rating": 1.1234,
    "log_score": None,
    "assumptions": ["Users do not influence each other."],
    "something_new": 0.25,
}


@pytest.fixture
def fitted(world):
    return dataclasses.replace(world, card=CARD)


def test_every_mechanism_is_explained():
    assert set(MECHANISMS) == {item.name for item in dataclasses.fields(Behaviour)}


def test_every_mechanism_is_an_assumption_with_its_value(world):
    rows = {row.name: row for row in assumption_table(world)}
    for item in dataclasses.fields(Behaviour):
        assert rows[item.name].status == "assumed"
        assert rows[item.name].value == getattr(world.behaviour, item.name)


def test_a_made_world_claims_nothing_fitted(world, fitted):
    assert {row.status for row in assumption_table(world)} == {
        "drawn from the seed",
        "assumed",
        "fixed by normalisation",
    }
    assert {row.status for row in assumption_table(fitted)} == {"fitted", "assumed", "fixed by normalisation"}


def test_interventions_are_listed(world):
    held = [row for row in assumption_table(world.do(mood=0.5)) if row.status == "held by do()"]
    assert [(row.name, row.value) for row in held] == [("mood", 0.5)]


def test_the_card_stands_beside_its_baseline(fitted):
    text = world_section(fitted, None).html()
    assert "Validation card: measured on the held-out second part" in text
    assert "0.951" in text
    assert "1.12" in text
    assert "Users do not influence each other." in text
    assert "something new" in text


def test_a_made_world_has_nothing_to_validate(world):
    text = world_section(world, None).html()
    assert "was made, not fitted" in text
    assert "Validation card" not in text
