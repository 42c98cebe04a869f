import dataclasses
import json
import re

import pytest

from recenv.causal.validation import validate
from recenv.report import write_card
from recenv.report.card_page import card_html
from recenv.report.card_tables import residual_table
from tests.report.reading import Page

DATA = re.compile(r"^(data:image/svg\+xml;base64,|#)")


@pytest.fixture(scope="module")
def card(world):
    return validate(world)


@pytest.fixture(scope="module")
def html(card):
    return card_html(card)


def test_the_page_loads_nothing(html):
    assert all(DATA.match(one) for one in Page(html).loads)


def test_every_picture_has_a_light_and_a_dark_version(html):
    roles = [image["class"] for image in Page(html).images]
    assert roles == ["any day", "any night"] * 2
    assert "prefers-color-scheme: dark" in html
    assert all(image["alt"] for image in Page(html).images)


def test_the_numbers_of_the_page_are_those_of_the_card(card, html):
    page = Page(html)
    assert card["rmse"] in page.values
    assert card["intervals"]["rmse"][0] in page.values
    assert "What no log can check" in page.headings
    rows = page.table("What is left in the residuals")
    assert [row[0] for row in rows[1:]] == list(card["residuals"])


def test_json_and_html_by_the_ending_and_nothing_else(card, html, tmp_path):
    assert json.loads(write_card(card, tmp_path / "card.json").read_text(encoding="utf-8")) == card
    assert write_card(card, tmp_path / "card.html").read_text(encoding="utf-8") == html
    with pytest.raises(ValueError, match=r"cannot write a card to 'card.pdf'"):
        write_card(card, tmp_path / "card.pdf")
    with pytest.raises(ValueError, match="the card is empty"):
        write_card({}, tmp_path / "other.html")
    assert not (tmp_path / "other.html").exists()


def test_a_card_without_measurements_says_so(world):
    page = Page(card_html(world.card))
    assert "Nothing was measured" in page.text


def test_names_cannot_break_the_page():
    html = card_html({"source": "<script>alert(1)</script>", "assumptions": ["<b>x</b>"]})
    assert "<script>" not in html
    assert "&lt;b&gt;x" in html


def test_effects_are_told_in_words():
    tests = {
        name: {"value": value, "low": None, "high": None, "measure": "correlation", "p": None}
        for name, value in (("a", 0.001), ("b", -0.02), ("c", 0.3), ("d", None))
    }
    text = str(residual_table({"residuals": tests}))
    assert [word in text for word in ("negligible", "small", "too large to ignore", "cannot be told")] == [True] * 4


def test_a_saved_world_shows_its_card_again(world, card, tmp_path):
    from recenv.causal import World

    dataclasses.replace(world, card=card).save(tmp_path / "world")
    assert World.load(tmp_path / "world").card == card
