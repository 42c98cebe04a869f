import numpy as np
import torch

from recenv.causal.response_models.history import FOLDS, HistoryTable
from tests.causal.response_models.response_data import few_ratings


def table():
    data = few_ratings()
    return HistoryTable(data.train, data.n_users, data.n_items, np.random.default_rng(0))


def test_rows_are_one_user_after_the_other_each_in_its_own_order():
    rows, slot = table().rows(np.array([3, 2, 0]))
    assert table().item[rows].tolist() == [0, 2, 3, 1]
    assert slot.tolist() == [0, 0, 2, 2]


def test_residuals_are_levels_less_shrunken_means_of_item_and_user():
    made = table()
    mean = 9 / 5
    np.testing.assert_allclose(made.item_mean[[0, 1, 5]], [(5 + 5 * mean) / 7, (2 + 5 * mean) / 6, mean])
    rows, slot = made.rows(np.array([0]))
    history = made.history(np.array([0]), rows, slot, "cpu")
    of_items = np.array([1.0, 2.0]) - made.item_mean[[3, 1]]
    np.testing.assert_allclose(history.mean.numpy(), [of_items.sum() / 7], rtol=1e-6)
    np.testing.assert_allclose(history.residual.numpy(), of_items - of_items.sum() / 7, rtol=1e-5)


def test_a_user_without_ratings_reads_nothing():
    made = table()
    users = np.array([2, 0])
    history = made.history(users, *made.rows(users), "cpu")
    assert history.size.tolist() == [0, 2]
    assert history.start.tolist() == [0, 0]
    assert history.mean[0] == 0.0


def test_targets_keep_level_and_weight_of_their_rows():
    made = table()
    targets = made.targets(*made.rows(np.array([0])), "cpu")
    assert targets.item.tolist() == [3, 1]
    assert targets.level.tolist() == [1, 2]
    assert torch.equal(targets.weight, torch.tensor([1.0, 2.0]))


def test_every_training_pair_has_one_fold():
    pair, fold = table().folds()
    assert pair.tolist() == [1, 3, 6, 18, 20]
    assert fold.min() >= 0
    assert fold.max() < FOLDS
