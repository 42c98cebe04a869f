import numpy as np
import pytest

from recenv.causal.exposure import fit_exposure
from recenv.causal.exposure_models import fit_poisson

USERS, ITEMS = 120, 80


@pytest.fixture(scope="module")
def truth():
    """Two communities of users and items: most pairs within, few between."""
    within = np.add.outer(np.arange(USERS) % 2, np.arange(ITEMS) % 2) % 2 == 0
    return np.where(within, 0.4, 0.05)


@pytest.fixture(scope="module")
def observed(truth):
    return np.nonzero(np.random.default_rng(0).random(truth.shape) < truth)


def fit(observed, **options):
    return fit_poisson(*observed, USERS, ITEMS, rng=np.random.default_rng(1), **options)


def propensities(model):
    return model.propensity(*np.indices((USERS, ITEMS)).reshape(2, -1)).reshape(USERS, ITEMS)


def likelihood(p, seen):
    return float(np.log(np.where(seen, p, 1 - p)).mean())


def test_communities_are_found_where_users_and_items_alone_show_nothing(truth, observed):
    p = propensities(fit(observed, factors=4))
    rasch = propensities(fit_exposure(*observed, USERS, ITEMS))
    assert np.corrcoef(p.ravel(), truth.ravel())[0, 1] > 0.85
    assert np.corrcoef(rasch.ravel(), truth.ravel())[0, 1] < 0.2


def test_other_pairs_of_the_same_kind_are_predicted_better_than_by_rasch(truth, observed):
    again = np.random.default_rng(9).random(truth.shape) < truth
    p = propensities(fit(observed, factors=4))
    rasch = propensities(fit_exposure(*observed, USERS, ITEMS))
    assert likelihood(p, again) > likelihood(rasch, again) + 0.05


def test_every_step_makes_the_log_likelier(observed):
    seen = np.zeros((USERS, ITEMS), bool)
    seen[observed] = True
    scores = [likelihood(propensities(fit(observed, steps=steps, rate=1e-3)), seen) for steps in (1, 5, 20, 60)]
    assert np.all(np.diff(scores) > 0)


def test_the_number_of_ratings_is_kept(observed):
    assert propensities(fit(observed)).sum() == pytest.approx(len(observed[0]), rel=0.1)


def test_propensities_are_above_0_even_of_those_without_ratings():
    model = fit_poisson(np.array([0, 0, 1]), np.array([0, 1, 0]), 3, 3, rng=np.random.default_rng(0), factors=2)
    p = model.propensity(*np.indices((3, 3)).reshape(2, -1))
    assert np.all((p > 0) & (p <= 1))


def test_the_generator_decides_the_fit(observed):
    np.testing.assert_array_equal(fit(observed).user, fit(observed).user)
