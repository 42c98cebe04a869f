import numpy as np
import pytest

from recenv.causal.visible import LIMIT, SHRINKAGE, visible_features


@pytest.fixture(scope="module")
def ratings():
    rng = np.random.default_rng(0)
    user, item = np.nonzero(rng.random((30, 20)) < 0.5)
    return user, item, rng.integers(1, 6, len(user)).astype(float), np.eye(4)[rng.integers(4, size=20)]


def test_shapes_types_and_limits(ratings):
    found = visible_features(*ratings, 30, factors=3)
    assert found.user.shape == (30, 3 + 2)
    assert found.item.shape == (20, 3 + 2 + 4)
    assert found.user.dtype == found.item.dtype == np.float32
    assert np.abs(found.user).max() <= LIMIT
    np.testing.assert_array_equal(found.item[:, -4:], ratings[3])
    np.testing.assert_array_equal(found.item_counts, np.bincount(ratings[1], minlength=20))


def test_user_columns_are_standardised(ratings):
    user = visible_features(*ratings, 30, factors=3).user
    np.testing.assert_allclose(user.mean(0), 0.0, atol=0.02)
    np.testing.assert_allclose(user.std(0), 1.0, atol=0.05)


def test_the_mean_rating_column_is_the_shrunken_mean(ratings):
    _, item, rating, _ = ratings
    counts = np.bincount(item, minlength=20)
    mean = np.bincount(item, weights=rating - rating.mean(), minlength=20) / (counts + SHRINKAGE)
    found = visible_features(*ratings, 30, factors=3).item[:, 3]
    np.testing.assert_allclose(found, (mean - mean.mean()) / mean.std(), rtol=1e-5, atol=1e-6)


def test_features_of_few_users_have_fewer_factors():
    found = visible_features(np.array([0, 1, 2, 2]), np.array([0, 1, 0, 2]), np.arange(4.0), np.eye(3), 3)
    assert found.user.shape == (3, 2 + 2)


def test_the_same_ratings_give_the_same_features(ratings):
    one, two = visible_features(*ratings, 30), visible_features(*ratings, 30)
    np.testing.assert_array_equal(one.user, two.user)
    np.testing.assert_array_equal(one.item, two.item)


@pytest.mark.parametrize("users", [4, 600])
def test_ratings_that_are_all_alike_give_no_factors_and_no_error(users):
    user, item = np.indices((users, 500)).reshape(2, -1)
    found = visible_features(user, item, np.full(len(user), 3.0), np.eye(500), users, factors=3)
    np.testing.assert_array_equal(found.user[:, :3], 0.0)
    np.testing.assert_array_equal(found.item[:, :3], 0.0)


def test_ratings_whose_rows_and_columns_balance_have_factors():
    """The residuals sum to 0 over every user and item, so a constant start vector would see nothing of them."""
    sign = np.where(np.indices((20, 30)).sum(0) % 2, 1.0, -1.0)
    user, item = np.indices((20, 30)).reshape(2, -1)
    found = visible_features(user, item, 3.0 + sign.ravel(), np.eye(30), 20, factors=1)
    np.testing.assert_allclose(np.sign(np.outer(found.user[:, 0], found.item[:, 0])), sign)


def test_the_sparse_and_the_dense_decomposition_agree(ratings, monkeypatch):
    dense = visible_features(*ratings, 30, factors=3)
    monkeypatch.setattr("recenv.causal.visible.DENSE_CELLS", 0)
    sparse = visible_features(*ratings, 30, factors=3)
    np.testing.assert_allclose(sparse.user, dense.user, atol=1e-5)
    np.testing.assert_allclose(sparse.item, dense.item, atol=1e-5)
