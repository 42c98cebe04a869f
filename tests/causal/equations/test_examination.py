import pytest

from recenv.causal.equations.examination import examined_in_cascade, position_probability


@pytest.mark.parametrize(
    ("position", "eta", "expected"), [(0, 2.0, 1.0), (1, 1.0, 0.5), (2, 2.0, 1 / 9), (3, 0.5, 0.5)]
)
def test_positions_are_examined_by_a_power_law(dials, position, eta, expected):
    assert position_probability(position, dials(eta=eta)) == pytest.approx(expected)


def test_every_position_is_examined_when_eta_is_off(dials):
    assert [position_probability(k, dials()) for k in range(5)] == [1.0] * 5


@pytest.mark.parametrize(
    ("examined", "clicked", "expected"),
    [(True, False, True), (True, True, False), (False, False, False), (False, True, False)],
)
def test_a_cascade_user_reads_on_until_the_click(examined, clicked, expected):
    assert examined_in_cascade(examined, clicked) is expected
