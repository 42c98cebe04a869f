import numpy as np

from recenv.causal.popularity import conformity_popularity, log_popularity

COUNTS = np.array([0.0, 3.0, 10.0, 200.0, 7.0])


def test_log_popularity_is_standardised_and_keeps_the_order():
    pop = log_popularity(COUNTS)
    np.testing.assert_allclose([pop.mean(), pop.std()], [0.0, 1.0], atol=1e-12)
    np.testing.assert_array_equal(np.argsort(pop), np.argsort(COUNTS))
    raw = np.log([1.0, 4.0, 11.0, 201.0, 8.0])
    np.testing.assert_allclose(pop, (raw - raw.mean()) / raw.std())


def test_equal_counts_have_no_popularity():
    np.testing.assert_array_equal(log_popularity(np.full(4, 9.0)), np.zeros(4))


def test_popularity_is_orthogonal_to_the_item_bias():
    bias = np.array([-1.0, 0.2, 0.3, 1.5, -1.0])
    pop = conformity_popularity(COUNTS, bias)
    np.testing.assert_allclose(pop @ bias, 0.0, atol=1e-12)
    difference = log_popularity(COUNTS) - pop
    np.testing.assert_allclose(difference / bias, difference[0] / bias[0])


def test_without_item_biases_popularity_stays_whole():
    np.testing.assert_array_equal(conformity_popularity(COUNTS, np.zeros(5)), log_popularity(COUNTS))
