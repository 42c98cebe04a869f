import math

import pytest

from recenv.report import rounding


@pytest.mark.parametrize(
    ("widths", "decimals"),
    [([0.045], 3), ([0.5], 2), ([12.0], 0), ([1e-12], 6), ([], 2), ([math.inf, 0.0], 2), ([0.05, 0.05, 9], 3)],
)
def test_decimals_show_two_digits_of_the_uncertainty(widths, decimals):
    assert rounding.decimals_for(widths) == decimals


@pytest.mark.parametrize(
    ("value", "text"),
    [(3.456, "3.46"), (-0.5, "−0.50"), (-0.001, "0.00"), (12345.678, "12,345.68"), (math.nan, "–"),
     (math.inf, "unbounded"), (-math.inf, "−unbounded")],
)  # fmt: skip
def test_rounded_numbers(value, text):
    assert rounding.rounded(value, 2) == text


def test_intervals():
    assert rounding.spread(-0.1, 0.25, 2) == "−0.10 to 0.25"
    assert rounding.spread(-math.inf, math.inf, 2) == "unbounded"
    assert rounding.spread(math.nan, 1.0, 2) == "–"


def test_the_full_value_travels_with_the_rounded_one():
    assert rounding.number(1 / 3, 2) == '<data value="0.3333333333333333">0.33</data>'
    assert rounding.number(math.nan, 2) == "<span>–</span>"


@pytest.mark.parametrize(
    ("value", "text"), [(0.0123456, "0.0123"), (0, "0"), (1234.5, "1,234"), (2.5e7, "2.50e+07"), (1e-5, "1.00e−05")]
)
def test_significant_digits(value, text):
    assert rounding.significant(value) == text


@pytest.mark.parametrize(
    ("share", "text"), [(0.5, "50%"), (0.012, "1.2%"), (0.00045, "0.045%"), (0, "0%"), (math.nan, "–")]
)
def test_percentages(share, text):
    assert rounding.percent(share) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [(1682, "1,682"), (0.063, "0.063"), (3.53, "3.53"), (100.0, "100"), (True, "yes"), (None, "–"), ("x", "x"),
     ([1, 2.5], "1, 2.5"), ({"1": 6110}, "1: 6,110")],
)  # fmt: skip
def test_facts(value, text):
    assert rounding.fact(value) == text


def test_times_are_shown_to_the_minute():
    assert rounding.when("2026-11-24T08:00:59+00:00") == "2026-11-24 08:00 UTC"
    assert rounding.when("2026-11-24T08:00:59+01:00") == "2026-11-24 08:00 +0100"
    assert rounding.when("yesterday") == "yesterday"
