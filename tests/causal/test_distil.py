import numpy as np
import pytest

from recenv.causal import distil as module
from recenv.causal.distil import distil


class Table:
    def __init__(self, matrix):
        self.matrix = matrix
        self.asked = 0

    def fit(self, data, *, rng, device="cpu", progress=None):
        pass

    def utility(self, users, items):
        self.asked = max(self.asked, len(users))
        return self.matrix[users, items]


def low_rank(rank, users=60, items=40, seed=0):
    rng = np.random.default_rng(seed)
    product = rng.normal(size=(users, rank)) @ rng.normal(size=(rank, items))
    return 3.0 + rng.normal(size=(users, 1)) + rng.normal(size=items) + product


def run(matrix, *, tolerance=1e-4, max_dims=20):
    return distil(Table(matrix), *matrix.shape, tolerance=tolerance, max_dims=max_dims, rng=np.random.default_rng(0))


def rebuilt(found, shape):
    return found.factors.utility(*np.indices(shape).reshape(2, -1)).reshape(shape)


def test_a_low_rank_utility_is_rebuilt_with_no_more_dimensions_than_it_has():
    matrix = low_rank(4)
    found = run(matrix)
    np.testing.assert_allclose(rebuilt(found, matrix.shape), matrix, atol=1e-4)
    assert found.factors.taste.shape == (60, 4)


def test_biases_alone_need_one_dimension_at_most():
    matrix = np.add.outer(np.arange(6.0), np.arange(5.0) ** 2)
    found = run(matrix)
    np.testing.assert_allclose(rebuilt(found, matrix.shape), matrix, atol=1e-4)
    assert found.factors.taste.shape[1] == 1


def test_the_error_is_the_one_over_all_pairs_and_keeps_the_tolerance():
    matrix = low_rank(4) + 0.2 * np.random.default_rng(1).normal(size=(60, 40))
    loose, tight = run(matrix, tolerance=0.5), run(matrix, tolerance=0.1)
    assert loose.factors.taste.shape[1] < tight.factors.taste.shape[1]
    for found, tolerance in ((loose, 0.5), (tight, 0.1)):
        error = np.sqrt(np.mean((rebuilt(found, matrix.shape) - matrix) ** 2))
        assert found.rmse == pytest.approx(error, rel=1e-4)
        assert error <= tolerance


def test_the_cap_holds_and_what_is_lost_is_said():
    matrix = low_rank(6)
    found = run(matrix, max_dims=2)
    assert found.factors.taste.shape[1] == 2
    assert found.rmse > 0.5


def test_blocks_and_a_sample_of_users_do_as_well(monkeypatch):
    matrix = low_rank(3, users=200)
    monkeypatch.setattr(module, "BLOCK_CELLS", 400)
    monkeypatch.setattr(module, "SAMPLE_CELLS", 40 * 50)
    table = Table(matrix)
    found = distil(table, 200, 40, tolerance=1e-4, max_dims=20, rng=np.random.default_rng(0))
    assert table.asked <= 400
    np.testing.assert_allclose(rebuilt(found, matrix.shape), matrix, atol=1e-3)
