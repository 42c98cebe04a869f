import numpy as np

from recenv.causal.exposure_models import fit_popularity
from recenv.causal.exposure_models.given import known_propensities


def test_logged_pairs_have_their_own_and_others_those_of_the_model():
    others = fit_popularity(np.array([0, 0]), 4, 3)
    known = known_propensities(np.array([2, 0]), np.array([1, 2]), np.array([0.9, 0.3]), 3, others)
    found = known.propensity(np.array([0, 2, 2]), np.array([2, 1, 0]))
    np.testing.assert_allclose(found, [0.3, 0.9, 0.5])
