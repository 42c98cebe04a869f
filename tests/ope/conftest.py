import numpy as np
import pytest

from recenv.ope import BanditTerms


@pytest.fixture
def terms():
    """Four rows with weights 1/2, 2, 2, 1/2, small enough to reckon by hand."""

    def make(**changes):
        columns = {
            "reward": [1.0, 0.0, 2.0, 1.0],
            "propensity": [0.5, 0.25, 0.5, 0.8],
            "target": [0.25, 0.5, 1.0, 0.4],
            "q_logged": [0.5, 0.5, 1.0, 1.0],
            "q_target": [1.0, 0.0, 1.5, 0.5],
        }
        return BanditTerms(**{**columns, **changes})

    return make


@pytest.fixture
def rng():
    return np.random.default_rng(20261)
