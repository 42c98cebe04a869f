import pytest

from recenv.causal.equations.trust import trust_next


def test_trust_moves_towards_what_was_felt(dials):
    assert trust_next(0.5, 1.0, dials(adapt=0.1)) == pytest.approx(0.55)
    assert trust_next(0.5, 0.0, dials(adapt=0.1)) == pytest.approx(0.45)


def test_trust_stays_when_adaptation_is_off(dials):
    assert trust_next(0.3, 1.0, dials()) == 0.3
