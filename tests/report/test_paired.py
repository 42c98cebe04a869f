import pytest

from recenv.report.paired import Gap, oriented, pairs_of

GAP = Gap("a", "b", 0.5, 0.1, 0.3, 0.7, 0.2, 0.8, 0.01, "ok")


def test_a_gap_turned_round_has_the_other_sign():
    turned = GAP.turned()
    assert turned[:8] == ("b", "a", -0.5, 0.1, -0.7, -0.3, -0.8, -0.2)
    assert turned.turned() == GAP


@pytest.mark.parametrize(
    ("changes", "conclusion"),
    [
        ({}, "ahead"),
        ({"lower_simultaneous": -0.8, "upper_simultaneous": -0.1}, "behind"),
        ({"lower_simultaneous": -0.1}, "not clearly different"),
        ({"verdict": "not enough overlap"}, "not enough overlap"),
    ],
)
def test_conclusions_follow_the_simultaneous_interval(changes, conclusion):
    assert GAP._replace(**changes).conclusion == conclusion


def test_pairs_are_found_either_way_round(comparison):
    pairs = pairs_of(comparison.differences, "dr")
    assert oriented(pairs, "good", "bad").difference == -oriented(pairs, "bad", "good").difference
    assert oriented(pairs, "good", "nobody") is None
