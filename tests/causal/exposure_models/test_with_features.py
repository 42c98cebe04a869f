import numpy as np
import pytest

from recenv.causal.exposure import fit_exposure
from recenv.causal.exposure_models import fit_with_features, with_features

USERS, ITEMS = 200, 60


@pytest.fixture(scope="module")
def made():
    rng = np.random.default_rng(0)
    x, z = rng.normal(size=(USERS, 2)), rng.normal(size=(ITEMS, 3))
    w = np.array([[1.0, 0.0, -0.5], [0.0, 0.8, 0.0]])
    logit = -2.0 + 0.5 * rng.normal(size=(USERS, 1)) + 0.5 * rng.normal(size=ITEMS) + x @ w @ z.T
    p = 1 / (1 + np.exp(-logit))
    return x, z, w, p, np.nonzero(rng.random(p.shape) < p)


def fit(made, **options):
    x, z, _, _, observed = made
    return fit_with_features(*observed, x, z, rng=np.random.default_rng(1), **options)


def propensities(model):
    return model.propensity(*np.indices((USERS, ITEMS)).reshape(2, -1)).reshape(USERS, ITEMS)


def test_the_products_of_features_are_recovered(made):
    x, _, w, p, observed = made
    model = fit(made, penalty=0.1)
    found = np.linalg.lstsq(x, model.user_side, rcond=None)[0]
    np.testing.assert_allclose(found, w, atol=0.15)
    error = np.abs(propensities(model) - p).mean()
    rasch = np.abs(propensities(fit_exposure(*observed, USERS, ITEMS)) - p).mean()
    assert error < 0.5 * rasch


def test_users_and_items_keep_their_number_of_ratings(made):
    user, item = made[4]
    p = propensities(fit(made))
    np.testing.assert_allclose(p.sum(1), np.maximum(np.bincount(user, minlength=USERS), 0.5), rtol=0.02, atol=0.1)
    np.testing.assert_allclose(p.sum(0), np.bincount(item, minlength=ITEMS), rtol=0.1)


def test_a_heavy_penalty_leaves_the_rasch_model(made):
    rasch = fit_exposure(*made[4], USERS, ITEMS)
    np.testing.assert_allclose(propensities(fit(made, penalty=1e6)), propensities(rasch), atol=0.01)


def test_a_sample_of_users_does_nearly_as_well_and_blocks_change_nothing(made, monkeypatch):
    whole = propensities(fit(made))
    monkeypatch.setattr(with_features, "BLOCK_CELLS", ITEMS * 7)
    np.testing.assert_allclose(propensities(fit(made)), whole, atol=1e-3)
    monkeypatch.setattr(with_features, "MOST_CELLS", ITEMS * 100)
    assert np.corrcoef(propensities(fit(made)).ravel(), whole.ravel())[0, 1] > 0.95


@pytest.mark.parametrize("missing", [0, 1])
def test_a_log_without_features_is_refused(made, missing):
    x, z, _, _, observed = made
    features = [x, z]
    features[missing] = None
    with pytest.raises(ValueError, match=f"needs features of {['users', 'items'][missing]}, and the log has none"):
        fit_with_features(*observed, *features, rng=np.random.default_rng(0))
