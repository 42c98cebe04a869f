import numpy as np
import pytest

from recenv.causal import exposure
from recenv.causal.exposure import fit_exposure, inverse_propensity_weights


@pytest.fixture(scope="module")
def observed():
    rng = np.random.default_rng(0)
    a, c = rng.normal(-1.5, 1.0, (60, 1)), rng.normal(0.0, 1.0, 45)
    return np.nonzero(rng.random((60, 45)) < 1 / (1 + np.exp(-(a + c)))), (a + c)


def all_propensities(model, users, items):
    u, a = np.indices((users, items)).reshape(2, -1)
    return model.propensity(u, a).reshape(users, items)


def test_the_fit_reproduces_every_users_and_every_items_number_of_ratings(observed):
    (user, item), _ = observed
    p = all_propensities(fit_exposure(user, item, 60, 45), 60, 45)
    rows, columns = np.bincount(user, minlength=60), np.bincount(item, minlength=45)
    np.testing.assert_allclose(p.sum(1), np.maximum(rows, 0.5), rtol=2e-3, atol=0.02)
    np.testing.assert_allclose(p.sum(0), np.maximum(columns, 0.5), rtol=2e-3, atol=0.02)


def test_the_fit_recovers_the_log_odds_that_made_the_log(observed):
    (user, item), truth = observed
    model = fit_exposure(user, item, 60, 45)
    found = model.user[:, None] + model.item
    assert np.corrcoef(found.ravel(), truth.ravel())[0, 1] > 0.9


def test_equal_numbers_of_ratings_have_equal_effects(observed):
    (user, item), _ = observed
    model = fit_exposure(user, item, 60, 45)
    counts = np.bincount(user, minlength=60)
    for number in np.unique(counts):
        assert np.ptp(model.user[counts == number]) == 0.0


def test_blocks_of_rows_do_not_change_the_fit(observed, monkeypatch):
    (user, item), _ = observed
    whole = fit_exposure(user, item, 60, 45)
    monkeypatch.setattr(exposure, "BLOCK_CELLS", 100)
    for a, b in zip(whole, fit_exposure(user, item, 60, 45), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-12)


def test_users_and_items_without_ratings_keep_a_positive_propensity():
    p = all_propensities(fit_exposure(np.array([0, 0, 1]), np.array([0, 1, 0]), 3, 3), 3, 3)
    assert np.all((p > 0) & (p < 1))


def test_a_log_in_which_everybody_rated_everything_has_propensities_near_one():
    user, item = np.indices((5, 4)).reshape(2, -1)
    p = all_propensities(fit_exposure(user, item, 5, 4), 5, 4)
    assert np.all(p > 0.8)
    assert np.all(p < 1)


def test_weights_by_hand_have_mean_one():
    weights = inverse_propensity_weights(np.array([0.1, 0.2, 0.4]), clip_quantile=0.0)
    np.testing.assert_allclose(weights, np.array([10.0, 5.0, 2.5]) / (17.5 / 3))


def test_clipping_raises_small_propensities_to_their_quantile():
    p = np.concatenate([[1e-6], np.full(99, 0.5)])
    np.testing.assert_allclose(inverse_propensity_weights(p, clip_quantile=0.05), 1.0)
    assert inverse_propensity_weights(p, clip_quantile=0.0).max() > 99
