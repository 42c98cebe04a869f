import numpy as np
import torch
from numpy.testing import assert_allclose

from recenv.agents.slates.shrunk_towers import ShrunkTowers
from recenv.agents.towers import TowerNetwork

FEATURES = np.random.default_rng(0).normal(size=(6, 3)).astype(np.float32)


SPEEDS = {"interaction": 0.03, "own": 0.1}


def pair():
    rest = {"width": 5, "dims": 2}
    made = [
        TowerNetwork(FEATURES, 4, rng=np.random.default_rng(1), **rest),
        ShrunkTowers(FEATURES, 4, rng=np.random.default_rng(1), **rest, **SPEEDS),
    ]
    for network in made:
        with torch.no_grad():
            network.item_vector.fill_(2.0)
            network.item_bias.fill_(3.0)
    return made


def test_the_product_and_what_is_the_items_own_are_scaled_and_nothing_else():
    plain, shrunk = pair()
    vector, number = plain.item_tower(plain.item_features)
    found_vector, found_number = shrunk.items()
    assert_allclose(found_vector.detach(), 0.03 * (vector + 2.0 * 0.1).detach(), rtol=1e-5)
    assert_allclose(found_number.detach(), (number + 3.0 * 0.1).detach(), rtol=1e-5)


def test_some_items_score_as_they_do_in_the_whole_catalogue():
    shrunk = pair()[1]
    ids, observation = torch.tensor([[4, 1]]), torch.ones(1, 4)
    whole = shrunk.scores(observation).detach()[0, [4, 1]]
    assert_allclose(shrunk.pair_scores(observation, ids).detach()[0], whole, rtol=1e-5)
