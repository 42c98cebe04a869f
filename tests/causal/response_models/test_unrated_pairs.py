import numpy as np
import pytest
import torch

from recenv.causal.response_models.factor_network import FactorNetwork
from recenv.causal.response_models.factorisation import Factorisation, Model
from recenv.causal.response_models.unrated_pairs import Cells, UnratedPairs
from recenv.protocol import Ratings, ResponseData

USERS, ITEMS = 6, 5


def rated(keys):
    keys = np.asarray(keys)
    n = len(keys)
    return Ratings(keys // ITEMS, keys % ITEMS, 1 + keys % 2, np.ones(n), np.arange(n))


def data(train=range(8), held=(8, 9)):
    return ResponseData(rated(train), rated(held), USERS, ITEMS, np.array([1.0, 2.0]))


def half(users, items):
    return np.full((len(users), 2), 0.5)


def keys(cells):
    return (cells.user.long() * ITEMS + cells.item.long()).numpy()


def test_pairs_are_drawn_that_are_neither_rated_nor_kept_apart():
    pairs = UnratedPairs(data(), half, "cpu", np.random.default_rng(0))
    apart, drawn = set(keys(pairs.held)), set(keys(pairs.draw(500)))
    assert not apart & set(range(10))
    assert drawn == set(range(10, 30)) - apart


def test_draws_and_those_kept_apart_stand_for_every_unrated_pair():
    pairs = UnratedPairs(data(), half, "cpu", np.random.default_rng(0))
    assert pairs.to_train + pairs.of_held * len(pairs.held.user) == pytest.approx(20)
    assert pairs.to_train == pytest.approx(20 * 8 / 10)  # the share of the ratings that is trained on


def test_a_log_without_unrated_pairs_is_refused():
    with pytest.raises(ValueError, match="every pair is rated"):
        UnratedPairs(data(range(20), range(20, 30)), half, "cpu", np.random.default_rng(0))


def test_the_loss_of_an_unrated_pair_by_hand():
    network = FactorNetwork(USERS, ITEMS, 1, None, np.random.default_rng(0))
    network.taste.data.zero_()  # utility 0, and the threshold that of equally frequent levels: both at 1/2
    cells = Cells(torch.tensor([0]), torch.tensor([1]), torch.log(torch.tensor([[0.9, 0.5]])))
    loss = Model(data(), network, "ordinal").unrated_losses(cells).item()
    assert loss == pytest.approx(-np.log(0.5 * 0.9 + 0.5 * 0.5), abs=1e-5)


def test_users_who_rate_little_are_taken_to_like_little_where_likes_are_rated():
    rng = np.random.default_rng(0)
    row, many = rng.permutation(200 * 30), 900
    users = np.where(np.arange(many) % 4 == 0, row[:many] // 30 % 100, 100 + row[:many] // 30 % 100)
    pairs = np.unique(users * 30 + row[:many] % 30)
    level = 1 + (rng.random(len(pairs)) < 0.9).astype(int)  # the ratings themselves tell nothing of who likes more
    every = Ratings(pairs // 30, pairs % 30, level, np.ones(len(pairs)), np.arange(len(pairs)))
    held = rng.random(len(pairs)) < 0.1
    train, validation = (Ratings._make(column[part] for column in every) for part in (~held, held))
    made = ResponseData(train, validation, 200, 30, np.array([1.0, 2.0]))
    model = Factorisation(
        dims=1, factor_penalty=50.0, learning_rate=0.05, unrated=lambda u, i: np.tile([0.98, 0.7], (len(u), 1))
    )
    model.fit(made, rng=rng)
    bias = model.factors().user_bias
    assert bias[100:].mean() > bias[:100].mean() + 0.3
    assert len(model.thresholds) == 1
