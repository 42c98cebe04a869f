import numpy as np

from recenv.causal.exposure_models import fit_popularity


def test_a_propensity_is_the_items_share_of_the_users():
    model = fit_popularity(np.array([0, 0, 0, 1]), 4, 3)
    found = model.propensity(np.array([0, 3, 2]), np.array([0, 1, 2]))
    np.testing.assert_allclose(found, [0.75, 0.25, 0.125])  # half a rating where there is none
