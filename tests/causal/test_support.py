import dataclasses

import numpy as np
import pytest

from recenv.causal import support as module
from recenv.causal.pairs import FIRST, SECOND


def all_pairs(world):
    return np.indices((world.n_users, world.n_items)).reshape(2, -1)


def test_support_is_a_share(fitted):
    support = fitted.support(*all_pairs(fitted))
    assert support.shape == (150 * 80,)
    assert np.all((support >= 0) & (support <= 1))
    assert np.ptp(support) > 0.1


def test_a_pair_by_hand(fitted):
    """The variance of a user's side by plain linear algebra, for one pair; the item's side by the same."""
    user, item = 3, 7
    first = fitted.pairs.only(FIRST)
    share = np.bincount(first.level - 1, minlength=5) / len(first)
    kappa = (1 - (share**3).sum()) / 3

    def variance(bias, factors, other, rated, target):
        prior = np.concatenate([[bias.var()], factors.var(0)])
        x = np.column_stack([np.ones(len(rated)), other[rated]])
        a = np.concatenate([[1.0], other[target]])
        return a @ np.linalg.inv(np.diag(1 / prior) + kappa * x.T @ x) @ a, a @ (prior * a)

    of_user = variance(fitted.user_bias, fitted.taste, fitted.embedding, first.item[first.user == user], item)
    of_item = variance(fitted.item_bias, fitted.embedding, fitted.taste, first.user[first.item == item], user)
    expected = 1 - (of_user[0] + of_item[0]) / (of_user[1] + of_item[1])
    assert fitted.support(np.array([user]), np.array([item]))[0] == pytest.approx(expected, rel=1e-9)


def test_every_further_rating_raises_it(fitted):
    pairs = fitted.pairs
    more = dataclasses.replace(fitted, pairs=dataclasses.replace(pairs, part=np.full(len(pairs), FIRST, np.int8)))
    some = fitted.support(*all_pairs(fitted)).reshape(150, 80)
    all_of_them = more.support(*all_pairs(fitted)).reshape(150, 80)
    # the information of a rating is read off the shares of the levels, which differ a little between the parts
    assert np.mean(all_of_them > some) > 0.999
    assert all_of_them.mean() > some.mean() + 0.02


def test_without_ratings_there_is_none(fitted):
    pairs = dataclasses.replace(fitted.pairs, part=np.full(len(fitted.pairs), SECOND, np.int8))
    np.testing.assert_allclose(dataclasses.replace(fitted, pairs=pairs).support(*all_pairs(fitted)), 0.0, atol=1e-9)


def test_held_out_errors_fall_with_support(made, quick):
    from recenv.causal import World

    log, utility = made
    keep = np.random.default_rng(0).random(len(log)) < np.linspace(0.1, 1.0, 150)[log.user]
    world = World.fit(log.subset(keep), seed=1, **quick)
    users, items = all_pairs(world)
    centred = utility - utility.mean()
    error = np.abs(world.base_utility(users, items) - world.base_utility(users, items).mean() - centred.ravel())
    support = world.support(users, items)
    fifth = np.argsort(np.argsort(support)) * 5 // len(support)
    means = [error[fifth == k].mean() for k in range(5)]
    assert means[0] > means[4]
    assert np.corrcoef(support, error)[0, 1] < -0.02  # 12,000 pairs: three standard errors


def test_blocks_change_nothing(fitted, monkeypatch):
    users, items = all_pairs(fitted)
    whole = fitted.support(users, items)
    monkeypatch.setattr(module, "BLOCK_NUMBERS", 50)
    np.testing.assert_allclose(fitted.support(users[:3000], items[:3000]), whole[:3000])
