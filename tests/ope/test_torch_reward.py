import numpy as np
import pytest
import torch

from recenv.ope import RewardModel, SklearnReward, TorchReward, cross_fit
from recenv.ope.reward_models import model_factory

from .bandit import CHANCE, make_log


@pytest.fixture(autouse=True)
def _one_thread():
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture
def data(rng):
    features = rng.normal(size=(20, 2))
    observation = rng.normal(size=(3_000, 3)).astype(np.float32)
    item = rng.integers(20, size=3_000)
    reward = 5 + 10 * np.tanh(observation[:, 0] * features[item, 0])
    return features, observation, item, reward


def net(width=32):
    return torch.nn.Sequential(torch.nn.LazyLinear(width), torch.nn.Tanh(), torch.nn.Linear(width, 1))


def test_a_module_learns_what_is_no_sum_of_two_sides(data):
    features, observation, item, reward = data
    torch.manual_seed(0)
    given = net()
    model = TorchReward(given, features, epochs=25, batch=128).fit(observation, item, reward)
    assert (model.predict(observation, item) - reward).std() < 0.25 * reward.std()
    assert isinstance(given[0].weight, torch.nn.UninitializedParameter)


def test_all_candidates_equal_one_by_one(data):
    features, observation, item, reward = data
    model = TorchReward(net(4), features, epochs=1).fit(observation, item, reward)
    together = model.predict_all(observation[:5], np.array([[3, 4, -1]] * 5))
    np.testing.assert_allclose(together[:, 1], model.predict(observation[:5], np.full(5, 4)), rtol=1e-5)


def test_weights_count_and_the_global_generator_is_left_alone(data):
    features, observation, item, _ = data
    torch.manual_seed(3)
    module = torch.nn.Linear(5, 1)
    before = torch.get_rng_state()
    first = item < 10
    model = TorchReward(module, features, epochs=30).fit(
        observation, item, np.where(first, 1.0, 3.0), np.where(first, 1.0, 1e-9)
    )
    assert torch.equal(before, torch.get_rng_state())
    assert model.predict(observation, item).mean() == pytest.approx(1.0, abs=0.1)
    again = TorchReward(module, features, epochs=30).fit(
        observation, item, np.where(first, 1.0, 3.0), np.where(first, 1.0, 1e-9)
    )
    np.testing.assert_array_equal(model.predict(observation, item), again.predict(observation, item))


def test_modules_and_classifiers_are_accepted_wherever_a_model_is(rng):
    from sklearn.linear_model import LogisticRegression

    log = make_log(rng, 400)
    module = torch.nn.Linear(log.observation["features"].shape[1] + 1, 1)
    for given, kind in ((module, TorchReward), (LogisticRegression(), SklearnReward)):
        factory = model_factory(given)
        assert isinstance(factory(), kind)
        assert isinstance(factory(), RewardModel)
        predicted = cross_fit(log, factory).q_all(log, log.request().candidates)
        assert predicted.shape == (400, 4)
        assert predicted.mean() == pytest.approx(CHANCE.mean(), abs=0.1)


def test_a_model_that_takes_no_weights_says_so(data):
    from sklearn.neighbors import KNeighborsRegressor

    features, observation, item, reward = data
    with pytest.raises(ValueError, match="KNeighborsRegressor takes no sample_weight"):
        SklearnReward(KNeighborsRegressor(), features).fit(observation, item, reward, np.ones(len(item)))
