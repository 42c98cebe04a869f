import numpy as np
import pytest

from recenv.causal.ordinal import OrdinalFactors, expected_level_value, level_probabilities, normalise


def some_factors():
    rng = np.random.default_rng(1)
    return OrdinalFactors(
        rng.normal(2.0, 3.0, (30, 3)),
        rng.normal(-1.0, 0.1, (20, 3)),
        rng.normal(5.0, 1.0, 30),
        rng.normal(-2.0, 1.0, 20),
        np.array([-1.0, 0.0, 1.5]),
    )


def test_normalising_keeps_every_probability():
    raw = some_factors()
    user, item = np.indices((30, 20)).reshape(2, -1)
    found = normalise(raw)
    before = level_probabilities(raw.utility(user, item), raw.thresholds)
    np.testing.assert_allclose(level_probabilities(found.utility(user, item), found.thresholds), before, atol=1e-12)


def test_normalised_factors_stand_in_the_gauge():
    found = normalise(some_factors())
    assert found.user_bias.sum() == pytest.approx(0.0, abs=1e-12)
    assert found.item_bias.sum() == pytest.approx(0.0, abs=1e-12)
    gram_u, gram_v = found.taste.T @ found.taste, found.embedding.T @ found.embedding
    np.testing.assert_allclose(gram_u, gram_v, atol=1e-9)
    np.testing.assert_allclose(gram_u, np.diag(np.diag(gram_u)), atol=1e-9)
    assert np.all(np.diff(np.diag(gram_u)) <= 0)
    assert np.all(found.embedding.sum(0) >= 0)


def test_normalising_twice_changes_nothing_more():
    once = normalise(some_factors())
    for a, b in zip(once, normalise(once), strict=True):
        np.testing.assert_allclose(a, b, atol=1e-10)


def test_level_probabilities_by_hand():
    found = level_probabilities(np.array([0.0, np.log(3.0)]), np.array([-1.0, np.log(3.0)]))
    np.testing.assert_allclose(found[0], [0.26894142137, 0.48105857863, 0.25])
    np.testing.assert_allclose(found[1, 2], 0.5)


def test_level_probabilities_sum_to_one_even_far_out():
    found = level_probabilities(np.array([-2000.0, -40.0, 0.3, 40.0, 2000.0]), np.array([-1.0, 0.0, 2.0]))
    np.testing.assert_allclose(found.sum(-1), 1.0)
    assert found.min() >= 0.0


def test_the_expected_value_is_on_the_logs_own_scale():
    scale = np.array([0.5, 2.0, 7.0])
    found = expected_level_value(np.array([0.0]), np.array([-1.0, 1.0]), scale)
    np.testing.assert_allclose(found, 0.2689414214 * 0.5 + 0.4621171573 * 2.0 + 0.2689414214 * 7.0)
