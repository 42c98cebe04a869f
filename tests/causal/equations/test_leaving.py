import pytest

from recenv.causal.equations.leaving import leave_probability


@pytest.mark.parametrize(("trust", "expected"), [(0.25, 0.11920292202211755), (0.0, 0.2689414213699951)])
def test_log_odds_of_leaving_fall_linearly_in_trust(dials, trust, expected):
    assert leave_probability(trust, dials(leaving=1.0, h0=-1.0, h1=4.0)) == pytest.approx(expected)


def test_the_strength_scales_the_probability(dials):
    assert leave_probability(0.25, dials(leaving=0.5, h0=-1.0, h1=4.0)) == pytest.approx(0.059601461011058775)


def test_nobody_leaves_when_leaving_is_off(dials):
    assert leave_probability(0.0, dials(h0=50.0)) == 0.0
