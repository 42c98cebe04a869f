import numpy as np
import pytest

from recenv.causal.equations.mood import mood_next


def test_mood_remembers_and_is_renewed(dials):
    assert mood_next(1.0, 0.5, dials(phi=0.6)) == pytest.approx(1.0)
    assert mood_next(2.0, -1.0, dials(phi=0.8)) == pytest.approx(1.0)


def test_mood_stays_or_forgets_at_the_ends_of_phi(dials):
    assert mood_next(1.3, 0.4, dials(phi=1.0)) == 1.3
    assert mood_next(1.3, 0.4, dials(phi=0.0)) == 0.4


def test_variance_one_is_stationary(dials):
    rng, d = np.random.default_rng(0), dials(phi=0.9)
    after = [mood_next(mood, n, d) for mood, n in rng.normal(size=(20_000, 2))]
    assert np.var(after) == pytest.approx(1.0, abs=0.04)
