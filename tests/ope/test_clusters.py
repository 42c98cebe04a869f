import numpy as np
import pytest

from recenv.ope.clusters import cluster_codes, clustered_error, pool_clusters


def test_codes_of_any_labels():
    codes, groups = cluster_codes(np.array(["b", "a", "b"]), 3)
    assert (codes.tolist(), groups) == ([1, 0, 1], 2)
    codes, groups = cluster_codes(np.array([0, 7, 0]), 3)
    assert (codes.tolist(), groups) == ([0, 1, 0], 2)
    codes, groups = cluster_codes(np.array([1, 0, 1]), 3)
    assert (codes.tolist(), groups) == ([1, 0, 1], 2)
    assert cluster_codes(None, 2)[0].tolist() == [0, 1]


def test_rows_on_their_own_give_the_usual_error():
    values = np.array([1.0, 2.0, 4.0, 9.0])
    error = clustered_error(values - 4, np.arange(4), 4)
    assert error == pytest.approx(values.std(ddof=1) / 2)


def test_pooling_keeps_clusters_whole_and_pools_even(rng):
    codes = np.repeat(np.arange(1_000), 3)
    pooled, groups = pool_clusters(codes, 1_000, 100, rng)
    assert groups == 100
    assert np.bincount(pooled).tolist() == [30] * 100
    assert (pooled.reshape(1_000, 3) == pooled[::3, None]).all()
    assert pool_clusters(codes, 1_000, 1_000, rng)[0] is codes


def test_pooled_errors_estimate_the_same(rng):
    codes, influence = np.arange(50_000), rng.standard_t(5, size=50_000)
    exact = clustered_error(influence, codes, 50_000)
    pooled, groups = pool_clusters(codes, 50_000, 5_000, rng)
    assert clustered_error(influence, pooled, groups) == pytest.approx(exact, rel=0.05)
