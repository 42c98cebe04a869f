import numpy as np
import pytest
import torch

from recenv.agents.towers import TowerNetwork

FEATURES = np.random.default_rng(0).normal(size=(7, 3)).astype(np.float32)


def network(seed=0):
    return TowerNetwork(FEATURES, 4, width=6, dims=5, rng=np.random.default_rng(seed))


def observation(users=3):
    return torch.as_tensor(np.random.default_rng(1).normal(size=(users, 4)), dtype=torch.float32)


def test_scores_of_pairs_are_the_entries_of_the_whole_table():
    net, ids = network(), torch.tensor([[0, 6], [3, 3], [5, 1]])
    with torch.no_grad():
        net.item_vector.normal_(generator=torch.Generator().manual_seed(0))
        net.item_bias.copy_(torch.arange(7.0))
        table = net.scores(observation())
        pairs = net.pair_scores(observation(), ids)
    torch.testing.assert_close(pairs, table.gather(1, ids))


def test_the_same_seed_gives_the_same_network_and_leaves_torchs_generator_alone():
    before = torch.get_rng_state()
    one, two, other = network(0), network(0), network(1)
    assert torch.equal(torch.get_rng_state(), before)
    assert all(torch.equal(a, b) for a, b in zip(one.parameters(), two.parameters(), strict=True))
    assert not torch.equal(one.state_tower.skip.weight, other.state_tower.skip.weight)


def test_an_item_that_was_never_shown_is_scored_from_its_features():
    twin = FEATURES.copy()
    twin[6] = twin[2]
    net = TowerNetwork(twin, 4, width=6, dims=5, rng=np.random.default_rng(0))
    with torch.no_grad():
        scores = net.scores(observation())
    torch.testing.assert_close(scores[:, 6], scores[:, 2])


def test_observations_are_standardised():
    net = network()
    plain = net.scores(observation())
    net.set_observation_scale(np.full(4, 1.0), np.full(4, 2.0))
    torch.testing.assert_close(net.scores(observation() * 2 + 1), plain)


def test_gradients_reach_both_towers_and_the_shown_items_only():
    net = network()
    net.pair_scores(observation(2), torch.tensor([[1], [4]])).sum().backward()
    assert net.item_bias.grad.nonzero().flatten().tolist() == [1, 4]
    for name in ("state_tower.out.weight", "item_tower.out.weight"):
        assert dict(net.named_parameters())[name].grad.abs().sum() > 0


@pytest.mark.parametrize("constant", [0.0, 5.0])
def test_a_feature_that_does_not_vary_makes_no_nan(constant):
    flat = np.full((7, 3), constant, np.float32)
    net = TowerNetwork(flat, 4, width=6, dims=5, rng=np.random.default_rng(0))
    assert torch.isfinite(net.scores(observation())).all()
