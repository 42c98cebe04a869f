import numpy as np
import pytest

from recenv.ope import pareto_k
from recenv.ope.pareto_k import generalised_pareto_shape


@pytest.mark.parametrize("shape", [-0.3, 0.2, 0.5, 0.9])
def test_the_shape_of_a_generalised_pareto_sample_is_recovered(rng, shape):
    sample = np.sort((rng.random(4_000) ** -shape - 1) / shape)
    assert generalised_pareto_shape(sample) == pytest.approx(shape, abs=0.08)


@pytest.mark.parametrize("shape", [0.3, 0.8, 1.2])
def test_the_tail_of_weights_is_recovered(rng, shape):
    assert pareto_k(rng.random(40_000) ** -shape) == pytest.approx(shape, abs=0.2)


def test_light_tails_are_light(rng):
    assert pareto_k(rng.uniform(0, 2, 5_000)) < 0


def test_without_a_tail_there_is_no_shape():
    assert np.isnan(pareto_k(np.ones(1_000)))
    assert np.isnan(pareto_k(np.tile([0.5, 1.5], 500)))
    assert np.isnan(pareto_k(np.array([1.0, 2.0, 3.0])))
