import numpy as np
import pytest

from recenv.causal.weighting import WEIGHTINGS, rating_weights

P = np.array([0.1, 0.2, 0.4])


def test_weights_by_hand():
    given = {"clip_quantile": 0.0, "cells": 10}
    np.testing.assert_allclose(rating_weights(P, "naive", **given), 1.0)
    np.testing.assert_allclose(rating_weights(P, "snips", **given), np.array([10.0, 5.0, 2.5]) * 3 / 17.5)
    np.testing.assert_allclose(rating_weights(P, "ips", **given), np.array([10.0, 5.0, 2.5]) * 3 / 10)
    np.testing.assert_allclose(rating_weights(P, "dr", **given), rating_weights(P, "ips", **given))


def test_only_snips_forgets_the_level_of_the_propensities():
    given = {"clip_quantile": 0.0, "cells": 10}
    np.testing.assert_allclose(rating_weights(0.5 * P, "snips", **given), rating_weights(P, "snips", **given))
    np.testing.assert_allclose(rating_weights(0.5 * P, "ips", **given), 2.0 * rating_weights(P, "ips", **given))


def test_ips_sums_any_loss_to_its_mean_over_all_cells_on_average():
    rng = np.random.default_rng(0)
    p, loss = rng.uniform(0.2, 0.9, 400), rng.normal(5.0, 2.0, 400)
    estimates = []
    for _ in range(400):
        seen = rng.random(400) < p
        weight = rating_weights(p[seen], "ips", clip_quantile=0.0, cells=400)
        estimates.append(np.mean(weight * loss[seen]))
    deviation = np.std(estimates) / np.sqrt(len(estimates))
    assert np.mean(estimates) == pytest.approx(loss.mean(), abs=4 * deviation)


@pytest.mark.parametrize("weighting", WEIGHTINGS)
def test_clipping_bounds_the_largest_weight(weighting):
    p = np.concatenate([[1e-6], np.full(99, 0.5)])
    weight = rating_weights(p, weighting, clip_quantile=0.05, cells=200)
    np.testing.assert_allclose(weight, 1.0)


def test_the_loss_given_that_a_pair_is_rated_by_hand():
    from recenv.causal.response_models.factor_network import FactorNetwork
    from recenv.causal.response_models.factorisation import FactorisationConfig, Model, Rows
    from recenv.protocol import Ratings, ResponseData

    two = Ratings(np.array([0, 0]), np.array([0, 1]), np.array([1, 2]), np.ones(2), np.arange(2))
    data = ResponseData(two, two, 1, 2, np.array([1.0, 2.0]))
    network = FactorNetwork(1, 2, 1, None, np.random.default_rng(0))
    network.taste.data.zero_()  # utility 0 and, of one rating of each level, threshold 0: both levels at 1/2
    config = FactorisationConfig(selection=lambda users, items: np.array([[0.1, 0.3], [0.1, 0.3]]))
    losses = Model(data, network, "ordinal").losses(Rows.of(two, config, "cpu")).detach().numpy()
    np.testing.assert_allclose(
        losses, [np.log(0.2 / 0.5)] * 2, atol=1e-5
    )  # less log p of the level: .05 / .2, .15 / .2
