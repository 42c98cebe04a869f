import numpy as np
import pytest

from recenv.ope import BilinearRidge, RewardModel, SklearnReward
from recenv.ope.principal_components import PrincipalComponents
from recenv.ope.reward_models import model_factory


@pytest.fixture
def data(rng):
    features = rng.normal(size=(30, 3))
    observation = rng.normal(size=(4_000, 5))
    item = rng.integers(30, size=4_000)
    weights = rng.normal(size=(5, 3))
    reward = 2 + np.einsum("no,oq,nq->n", observation, weights, features[item])
    return features, observation, item, reward


def test_a_bilinear_reward_is_learnt(data):
    features, observation, item, reward = data
    model = BilinearRidge(features).fit(observation, item, reward)
    error = model.predict(observation, item) - reward
    assert error.std() < 0.05 * reward.std()


def test_item_effects_are_learnt_without_features_and_shrunk(rng):
    item = np.repeat([0, 1], [380, 20])
    reward = np.where(item == 0, 1.0, 3.0)
    model = BilinearRidge(shrinkage=20).fit(np.zeros((400, 0)), item, reward)
    first, second = model.predict(np.zeros((2, 0)), np.array([0, 1]))
    assert (first, second) == (pytest.approx(1.0, abs=0.02), pytest.approx(1.1 + 1.9 / 2, abs=0.02))


def test_all_candidates_equal_one_by_one_in_every_layout(data, rng):
    features, observation, item, reward = data
    model = BilinearRidge(features).fit(observation, item, reward)
    some = observation[:7]
    catalogue = np.broadcast_to(np.arange(30), (7, 30))
    masked = np.where(rng.random((7, 30)) < 0.3, -1, catalogue)
    few = rng.integers(30, size=(7, 3))
    many = rng.permuted(catalogue, axis=1)[:, :20]
    for candidates in (catalogue, masked, few, many):
        together = model.predict_all(some, candidates)
        for column in range(candidates.shape[1]):
            allowed = candidates[:, column] >= 0
            alone = model.predict(some, np.maximum(candidates[:, column], 0))
            np.testing.assert_allclose(together[allowed, column], alone[allowed], rtol=1e-9)


def test_predictions_stay_within_the_rewards_seen(data):
    features, observation, item, reward = data
    model = BilinearRidge(features).fit(observation, item, reward)
    wild = model.predict_all(100 * observation[:50], np.broadcast_to(np.arange(30), (50, 30)))
    assert reward.min() <= wild.min()
    assert wild.max() <= reward.max()


def test_items_that_were_never_shown_have_no_effect_of_their_own():
    model = BilinearRidge().fit(np.zeros((3, 0)), np.array([0, 0, 1]), np.array([1.0, 1.0, 0.0]))
    answer = model.predict_all(np.zeros((1, 0)), np.array([[0, 1, 2, 3]]))[0]
    assert answer[2] == answer[3] == pytest.approx(2 / 3)


def test_weights_count_rows(data):
    features, observation, item, reward = data
    twice = BilinearRidge(features).fit(
        np.vstack([observation, observation[:100]]), np.r_[item, item[:100]], np.r_[reward, reward[:100]]
    )
    weight = np.ones(4_000)
    weight[:100] = 2
    weighted = BilinearRidge(features).fit(observation, item, reward, weight)
    np.testing.assert_allclose(
        weighted.predict(observation, item), twice.predict(observation, item), atol=0.02 * reward.std()
    )


def test_scikit_learn_regressors_are_wrapped(data):
    from sklearn.linear_model import LinearRegression

    features, observation, item, reward = data
    plain = reward + 3 * features[item, 0]
    given = LinearRegression()
    model = SklearnReward(given, features).fit(observation, item, plain)
    candidates = np.array([[3, 4, -1]] * 6)
    together = model.predict_all(observation[:6], candidates)
    np.testing.assert_allclose(together[:, 1], model.predict(observation[:6], np.full(6, 4)))
    assert together.shape == (6, 3)
    assert not hasattr(given, "coef_")
    means = (
        SklearnReward(given).fit(observation, item, plain).predict(observation[:1].repeat(30, axis=0), np.arange(30))
    )
    observed = np.array([plain[item == number].mean() for number in range(30)])
    assert np.corrcoef(means, observed)[0, 1] > 0.9


def test_models_are_made_fresh_from_whatever_is_given(data):
    from sklearn.linear_model import Ridge

    features, *_ = data
    given = BilinearRidge(features)
    for model, kind in ((None, BilinearRidge), (given, BilinearRidge), (Ridge(), SklearnReward)):
        factory = model_factory(model, features)
        assert isinstance(factory(), kind)
        assert isinstance(factory(), RewardModel)
        assert factory() is not given
    assert model_factory(lambda: given)() is given
    with pytest.raises(TypeError, match="reward_model must be"):
        model_factory(3)


def test_principal_components_are_standardised_and_constant_columns_dropped(rng):
    values = rng.normal(size=(500, 20)) * np.arange(1, 21)
    values[:, 4] = 7.0
    parts = PrincipalComponents(6).fit(values).transform(values)
    assert parts.shape == (500, 7)
    np.testing.assert_allclose(parts[:, 1:].mean(axis=0), 0, atol=1e-9)
    np.testing.assert_allclose(np.cov(parts[:, 1:].T), np.eye(6), atol=0.01)
    few = PrincipalComponents(6).fit(values[:, :5]).transform(values[:, :5])
    assert few.shape == (500, 6)
    assert (few[:, 5] == 0).all()
