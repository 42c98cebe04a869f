import numpy as np
import pytest

from recenv.causal.equations.satisfaction import base_satisfaction, boredom_felt, mood_felt, satisfaction


def test_satisfaction_adds_its_causes():
    base = base_satisfaction(1.5, -0.25, 0.5)
    assert base == 1.75
    assert satisfaction(base, 0.5, -0.25, 1.0) == 2.0


def test_boredom_is_proportional_to_the_match_with_satiation(dials):
    assert boredom_felt(0.4, dials(boredom=1.5)) == pytest.approx(0.6)


def test_mood_acts_through_the_comfort_of_the_item(dials):
    assert mood_felt(0.5, -0.5, dials(confounding=2.0)) == pytest.approx(-np.tanh(0.5))
    assert mood_felt(-3.0, 0.25, dials(confounding=1.0)) == pytest.approx(0.25 * np.tanh(-3.0))


def test_mood_is_bounded_by_the_confounding(dials):
    assert mood_felt(500.0, 1.0, dials(confounding=0.7)) == pytest.approx(0.7)


def test_mechanisms_that_are_off_leave_exactly_nothing(dials):
    assert boredom_felt(0.9, dials()) == 0.0
    assert mood_felt(3.0, 1.0, dials()) == 0.0
    assert mood_felt(0.0, 1.0, dials(confounding=5.0)) == 0.0
