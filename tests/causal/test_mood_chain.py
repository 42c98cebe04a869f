from itertools import pairwise

import numpy as np
import pytest

from recenv.causal.mood_chain import rouwenhorst, summed_out


@pytest.mark.parametrize("phi", [0.0, 0.4, 0.95])
def test_the_chain_has_the_moments_of_the_mood(phi):
    values, start, transition = rouwenhorst(9, phi)
    np.testing.assert_allclose(transition.sum(1), 1.0)
    np.testing.assert_allclose(start @ transition, start, atol=1e-12)
    assert start @ values == pytest.approx(0.0, abs=1e-12)
    assert start @ values**2 == pytest.approx(1.0)
    np.testing.assert_allclose(transition @ values, phi * values, atol=1e-12)


def test_the_recursion_sums_over_every_path():
    rng = np.random.default_rng(0)
    _, start, transition = rouwenhorst(3, 0.6)
    steps = rng.normal(size=(4, 3))
    total = 0.0
    for path in np.ndindex(3, 3, 3, 3):
        p = start[path[0]] * np.prod([transition[a, b] for a, b in pairwise(path)])
        total += p * np.exp(sum(steps[t, m] for t, m in enumerate(path)))
    found = summed_out(np.array([True, False, False, False]), steps, start, transition)
    assert found.sum() == pytest.approx(np.log(total))
    again = summed_out(np.array([True, False, True, False]), np.concatenate([steps[:2], steps[:2]]), start, transition)
    np.testing.assert_allclose(again, np.tile(found[:2], 2))


def test_one_state_is_no_mood_at_all():
    steps = np.array([[-1.0], [-2.5]])
    np.testing.assert_allclose(summed_out(np.array([True, False]), steps, np.ones(1), np.ones((1, 1))), steps[:, 0])
