import math

import pytest

from recenv.report.forest import STYLES, ForestRow, forest_figure
from recenv.report.picture import PALE


def drawn(rows, **options):
    """Return the axes of the plot, its texts, and the colours of the lines."""
    axes = forest_figure(rows, axis="reward", **options).axes[0]
    return axes, [text.get_text() for text in axes.texts], [line.get_color() for line in axes.lines]


def test_numbers_stand_beside_what_may_be_used():
    _, texts, colours = drawn([ForestRow("dr", 3.5, 3.46, 3.54)])
    assert texts == ["3.500  [3.460, 3.540]"]
    assert set(colours) == {STYLES["ok"][0]}


def test_a_refused_number_is_grey_and_has_no_number():
    rows = [ForestRow("dr", 3.5, 3.4, 3.6), ForestRow("dr", 3.52, 3.3, 3.7, "not enough overlap")]
    _, texts, colours = drawn(rows)
    assert texts[1] == "not enough overlap"
    assert colours[-1] == PALE
    assert STYLES["ok"][0] not in colours[2:]


def test_a_refused_interval_does_not_squeeze_the_others():
    rows = [ForestRow("dr", 3.5, 3.4, 3.6), ForestRow("ips", 900.0, -900.0, 9_000.0, "not enough overlap")]
    axes, *_ = drawn(rows)
    low, high = axes.get_xlim()
    assert 3.3 < low < 3.4
    assert 3.6 < high < 3.7


def test_no_number_at_all_can_be_drawn():
    axes, texts, _ = drawn([ForestRow("dr", math.nan, -math.inf, math.inf, "not enough overlap")])
    assert texts == ["not enough overlap"]
    assert all(math.isfinite(end) for end in axes.get_xlim())


def test_an_unknown_verdict_is_refused_too():
    assert ForestRow("dr", 1.0, 0.9, 1.1, "strange").refused


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_what_is_no_number_is_refused(value):
    assert ForestRow("dr", value, 0.0, 1.0, "ok").refused


def test_groups_get_a_heading_each_and_dollars_stay_dollars():
    rows = [ForestRow("ips", 1.0, 0.9, 1.1, group="$a$"), ForestRow("dr", 1.0, 0.9, 1.1, group="$a$")]
    _, texts, _ = drawn(rows)
    assert texts.count("$a$") == 1


def test_the_truth_and_the_reference_are_drawn_inside():
    axes, *_ = drawn([ForestRow("dr", 3.5, 3.4, 3.6, truth=4.5)], reference=2.0, reference_name="the log")
    low, high = axes.get_xlim()
    assert low < 2.0 < 4.5 < high
