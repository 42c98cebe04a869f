import numpy as np
import pandas as pd
import pytest

from recenv.report.card_plot import card_figure, has_card_picture
from recenv.report.learning_plot import learning_figure
from recenv.report.picture import render
from recenv.report.section_learning import learning_alt
from recenv.report.section_world import card_alt
from recenv.report.weights_plot import weights_figure

HISTOGRAM = {"level": [1.0, 2.0], "logged": [0.25, 0.75], "simulated": [0.3, 0.7]}


def heights(axes):
    return [round(bar.get_height(), 6) for bar in axes.patches]


def test_weights_are_drawn_as_shares_of_rows_and_of_weight():
    frame = pd.DataFrame(
        {
            "policy": "a",
            "low": [0.0, 1.0, 1e6],
            "high": [1e-4, 1.8, np.inf],
            "rows": [0.5, 0.4, 0.1],
            "weight": [0, 0.2, 0.8],
        }
    )
    axes = weights_figure(frame, ("a",)).axes[0]
    assert heights(axes) == [0.5, 0.4, 0.1, 0.0, 0.2, 0.8]
    assert axes.get_title(loc="left") == "a"
    low, high = axes.get_xlim()
    assert all(low < bar.get_x() and bar.get_x() + bar.get_width() < high for bar in axes.patches)
    assert axes.get_ylim()[1] > 0.8


def test_curves_have_a_band_where_one_is_given():
    steps = [0, 1, 2]
    figure = learning_figure({"a": (steps, [1, 2, 3]), "b": (steps, [1, 2, 3], [0, 1, 2], [2, 3, 4])}, unit="stars")
    axes = figure.axes[0]
    assert axes.lines[0].get_ydata().tolist() == [1, 2, 3]
    assert len(axes.collections) == 1
    assert axes.get_ylabel() == "stars"


def test_many_curves_differ_by_dashes():
    figure = learning_figure({str(k): ([0, 1], [0, k]) for k in range(12)}, unit="")
    looks = {(line.get_color(), str(line.get_linestyle()), line.get_linewidth()) for line in figure.axes[0].lines}
    dashes = {line._dash_pattern[1] and tuple(line._dash_pattern[1]) for line in figure.axes[0].lines}
    assert len(looks) * len(dashes) >= 12


def test_the_end_of_a_curve_is_told_in_words():
    from recenv.report import ReportContext

    assert learning_alt(ReportContext(learning_curves={"a": ([0, 1], [1.0, 2.5])})) == "Learning curves: a ends at 2.5."


def test_a_card_draws_what_it_has():
    assert not has_card_picture({"source": "synthetic"})
    assert len(card_figure({"rating_histogram": HISTOGRAM}).axes) == 1
    both = card_figure({"rating_histogram": HISTOGRAM, "pit_histogram": [0.5, 0.3, 0.2]})
    assert heights(both.axes[0]) == [0.25, 0.75, 0.3, 0.7]
    assert heights(both.axes[1]) == [0.5, 0.3, 0.2]


def test_a_card_in_words():
    assert card_alt({"rating_histogram": HISTOGRAM}).startswith(
        "Share of each rating; rating 1: logged 25.0%, simulated 30.0%"
    )


@pytest.mark.parametrize("name", ["推薦", "$x$"])
def test_any_name_can_be_drawn(name):
    picture = render("x", "alt", learning_figure({name: ([0, 1], [0, 1])}, unit=name))
    assert picture.svg.startswith(b"<?xml")
    assert b"<dc:date>" not in picture.svg
