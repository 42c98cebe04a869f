import numpy as np
import pytest

from recenv.causal.equations.taste_drift import drift_towards


def test_taste_turns_towards_the_liked_item():
    taste = np.array([3.0, 4.0])
    drift_towards(taste, 5.0, np.array([0.0, 2.0]), 2.0, 0.1)
    np.testing.assert_allclose(taste, np.array([2.7, 4.1]) * 5.0 / np.sqrt(24.1))


@pytest.mark.parametrize("strength", [0.01, 0.5, 0.999])
def test_the_length_of_the_taste_stays(strength):
    rng = np.random.default_rng(0)
    taste = rng.normal(size=7)
    length = np.linalg.norm(taste)
    for direction in rng.normal(size=(50, 7)):
        drift_towards(taste, length, direction, np.linalg.norm(direction), strength)
    assert np.linalg.norm(taste) == pytest.approx(length, rel=1e-12)


def test_repeated_liking_ends_at_the_item():
    taste, direction = np.array([1.0, -2.0, 2.0]), np.array([0.0, 0.0, 4.0])
    for _ in range(300):
        drift_towards(taste, 3.0, direction, 4.0, 0.1)
    np.testing.assert_allclose(taste, [0.0, 0.0, 3.0], atol=1e-9)


@pytest.mark.parametrize(("taste", "direction", "strength"), [
    ([1.0, 2.0], [3.0, 1.0], 0.0), ([0.0, 0.0], [3.0, 1.0], 0.5), ([1.0, 2.0], [0.0, 0.0], 0.5),
])  # fmt: skip
def test_nothing_turns_when_drift_is_off_or_a_vector_is_zero(taste, direction, strength):
    moved = np.array(taste)
    drift_towards(moved, np.linalg.norm(taste), np.array(direction), np.linalg.norm(direction), strength)
    np.testing.assert_array_equal(moved, taste)
