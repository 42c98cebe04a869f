"""What holds for all deep response models."""

import numpy as np
import pytest
import torch

from recenv.causal.response_models import history_model
from recenv.causal.response_models.autoencoder import Autoencoder
from recenv.causal.response_models.history import FOLDS, NOTHING_HIDDEN, HistoryTable
from recenv.causal.response_models.transformer import Transformer
from recenv.causal.response_models.two_tower import TwoTower
from recenv.protocol import ResponseModel
from tests.causal.response_models.response_data import few_ratings, response_data

pytestmark = pytest.mark.usefixtures("one_thread")
MODELS = pytest.mark.parametrize("model_class", [TwoTower, Autoencoder, Transformer])


def cells(data):
    """Return users and items of every cell."""
    return np.divmod(np.arange(data.n_users * data.n_items), data.n_items)


def fitted(model_class, data, seed=0, **options):
    model = model_class(**options)
    model.fit(data, rng=np.random.default_rng(seed))
    return model


@MODELS
def test_it_finds_more_of_the_true_utility_than_any_two_biases(model_class, made):
    log, truth = made
    data = response_data(log)
    model = fitted(model_class, data, learning_rate=0.01, epochs=40)
    assert isinstance(model, ResponseModel)
    users, items = cells(data)
    unseen = np.ones(truth.shape, bool)
    unseen[log.user, log.item] = False
    biases = truth.mean(1, keepdims=True) + truth.mean(0) - truth.mean()
    found = np.corrcoef(model.utility(users, items)[unseen.ravel()], truth[unseen])[0, 1]
    assert found > np.corrcoef(biases[unseen], truth[unseen])[0, 1] + 0.1


@MODELS
def test_all_randomness_comes_from_the_generator(model_class):
    data = few_ratings()
    before = torch.get_rng_state()
    one, same, other = (fitted(model_class, data, seed, epochs=2).utility(*cells(data)) for seed in (0, 0, 1))
    assert torch.equal(torch.get_rng_state(), before)
    np.testing.assert_array_equal(one, same)
    assert not np.array_equal(one, other)


@MODELS
def test_a_pair_is_predicted_without_its_own_rating(model_class, made):
    data = response_data(made[0])
    rng = np.random.default_rng(0)
    table = HistoryTable(data.train, data.n_users, data.n_items, rng)
    network = model_class.network_class(data, model_class().config, rng)
    row = 17
    users, fold = table.user[[row]], int(table.fold[row])

    def states():
        return [history_model._states(network, table, users, hidden, "cpu") for hidden in range(FOLDS + 1)]

    before = states()
    table.residual = table.residual.copy()
    table.residual[row] += 2.0
    after = states()
    assert [np.array_equal(*pair) for pair in zip(before, after, strict=True)] == [k == fold for k in range(FOLDS + 1)]
    read_out = history_model._read_out(network, table, "cpu")
    pairs = np.array([table.item[row], np.setdiff1d(np.arange(data.n_items), table.item[table.user == users[0]])[0]])
    assert read_out.folds(users, pairs).tolist() == [fold, NOTHING_HIDDEN]


@MODELS
def test_utilities_are_float64_and_do_not_depend_on_the_blocks(model_class, monkeypatch):
    data = few_ratings()
    model = fitted(model_class, data, epochs=2)
    whole = model.utility(*cells(data))
    assert whole.dtype == np.float64
    assert np.isfinite(whole).all()
    monkeypatch.setattr(history_model, "BLOCK_PAIRS", 7)
    np.testing.assert_array_equal(model.utility(*cells(data)), whole)
    assert model.utility(np.array([4]), np.array([5])) == whole[-1:]


@MODELS
def test_an_unknown_or_impossible_option_is_refused_by_name(model_class):
    with pytest.raises(ValueError, match=r"unknown option 'dim'; .* takes dims, learning_rate"):
        model_class(dim=3)
    with pytest.raises(ValueError, match=r"dims must be a whole number of at least 1, got 0"):
        model_class(dims=0)
    with pytest.raises(ValueError, match=r"hidden must be in \(0, 1\), got 1.0"):
        model_class(hidden=1.0)


@MODELS
def test_it_says_that_it_has_to_be_fitted_first(model_class):
    with pytest.raises(RuntimeError, match=r"has not learned anything yet: call fit first"):
        model_class().utility(np.array([0]), np.array([0]))
