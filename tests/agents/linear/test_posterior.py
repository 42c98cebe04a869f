import numpy as np
import pytest
from numpy.testing import assert_allclose

from recenv.agents.linear.joint_features import item_features, state_features
from recenv.agents.linear.packed_symmetric import pack, packed_size, products, unpack
from recenv.agents.linear.posterior import LinearPosterior
from recenv.protocol import Catalogue

ITEMS = np.array([[1.0, 0.5], [1.0, -1.0], [1.0, 2.0]])
ITEM_PRIOR, SHARED_PRIOR = 0.7, 0.3


def observations(count, seed=0, columns=4):
    rng = np.random.default_rng(seed)
    return rng.integers(3, size=count), rng.normal(size=(count, columns)), rng.normal(size=count)


def joint_posterior(posterior, items, states, rewards):
    """Return mean (3, d) and covariance (3, d, d) by brute force, on the d q + 3 d weights of B and r_a at once."""
    count, d = states.shape
    q = ITEMS.shape[1]
    design = np.zeros((count, d * q + 3 * d))
    maps = np.zeros((3, d, d * q + 3 * d))
    for a in range(3):
        maps[a, :, : d * q] = np.kron(np.eye(d), ITEMS[a])
        maps[a, :, d * q + a * d : d * q + (a + 1) * d] = np.eye(d)
    for n in range(count):
        design[n] = states[n] @ maps[items[n]]
    scale = np.sqrt(np.maximum((states**2).mean(axis=0), 1.0))
    size = ((states / scale) ** 2).sum(axis=1).mean()
    shared = SHARED_PRIOR * size * np.repeat(scale**2, q)
    own = ITEM_PRIOR * size * np.tile(scale**2, 3)
    covariance = np.linalg.inv(design.T @ design + np.diag(np.concatenate([shared, own])))
    weights = covariance @ design.T @ rewards
    return maps @ weights, maps @ covariance @ maps.transpose(0, 2, 1)


def fresh(**options):
    return LinearPosterior(ITEMS, 4, item_prior=ITEM_PRIOR, shared_prior=SHARED_PRIOR, **options)


def test_after_a_refresh_the_posterior_is_that_of_all_weights_at_once():
    posterior, rows = fresh(), observations(40)
    for part in np.array_split(np.arange(40), 7):
        posterior.add(*(column[part] for column in rows))
    posterior.refresh()
    mean, covariance = joint_posterior(posterior, *rows)
    assert_allclose(posterior.mean, mean, atol=1e-10)
    assert_allclose(unpack(posterior.covariance, 4), covariance, atol=1e-10)


def test_between_refreshes_an_item_is_conditioned_on_its_own_observations():
    posterior, (items, states, rewards) = fresh(), observations(40)
    posterior.add(items, states, rewards)
    before = unpack(posterior.covariance, 4)
    x, mean = np.array([1.0, -2.0, 0.5, 0.1]), posterior.mean.copy()
    posterior.add(np.array([1]), x[None], np.array([3.0]))
    assert posterior.pending == 1
    gain = before[1] @ x / (1.0 + x @ before[1] @ x)
    assert_allclose(posterior.mean[1], mean[1] + gain * (3.0 - x @ mean[1]))
    assert_allclose(unpack(posterior.covariance, 4)[1], before[1] - np.outer(gain, before[1] @ x), atol=1e-12)
    assert_allclose(posterior.mean[[0, 2]], mean[[0, 2]])


def test_the_order_of_observations_does_not_matter_after_a_refresh():
    one, other, (items, states, rewards) = fresh(), fresh(), observations(30)
    one.add(items, states, rewards)
    for n in np.random.default_rng(1).permutation(30):
        other.add(items[[n]], states[[n]], rewards[[n]])
    one.refresh(), other.refresh()
    assert_allclose(one.mean, other.mean, atol=1e-10)
    assert_allclose(one.covariance, other.covariance, atol=1e-10)


def test_what_is_learned_of_one_item_moves_an_item_that_was_never_shown():
    posterior, (_, states, rewards) = fresh(), observations(50)
    posterior.add(np.zeros(50, int), states, rewards + 2.0 * states[:, 0])
    assert posterior.mean[2, 0] > 0.3
    assert posterior.count[2] == 0.0


def test_moments_are_those_of_the_posterior_whatever_is_asked_beside():
    posterior, (items, states, rewards) = fresh(), observations(30)
    posterior.add(items, states, rewards)
    mean, deviation = posterior.moments(states[:2], np.array([[2, -1, 0], [1, 2, -1]]))
    noise, full = posterior.noise(), unpack(posterior.covariance, 4)
    assert_allclose(mean, [[states[0] @ posterior.mean[2], 0, states[0] @ posterior.mean[0]],
                           [states[1] @ posterior.mean[1], states[1] @ posterior.mean[2], 0]])  # fmt: skip
    assert_allclose(deviation[0, 2], np.sqrt(noise[0] * states[0] @ full[0] @ states[0]), rtol=1e-5)


def test_few_candidates_of_many_items_score_as_among_all():
    posterior = LinearPosterior(np.ones((40, 1)), 2)
    rng = np.random.default_rng(0)
    posterior.add(rng.integers(40, size=100), rng.normal(size=(100, 2)), rng.normal(size=100))
    states = rng.normal(size=(3, 2))
    mean, deviation = posterior.moments(states, np.tile(np.arange(40), (3, 1)))
    few = np.array([[7, -1], [39, 0], [7, 8]])
    found = posterior.moments(states, few)
    assert_allclose(found[0], np.where(few < 0, 0.0, np.take_along_axis(mean, few, 1)))
    assert_allclose(found[1], np.where(few < 0, 0.0, np.take_along_axis(deviation, few, 1)), rtol=1e-6)


def test_the_noise_is_found():
    rng = np.random.default_rng(0)
    states, items = rng.normal(size=(4000, 3)), rng.integers(2, size=4000)
    posterior = LinearPosterior(np.ones((2, 1)), 3, noise_pooling=1.0)
    posterior.add(items, states, states[:, 0] + np.array([0.1, 2.0])[items] * rng.normal(size=4000))
    assert_allclose(np.sqrt(posterior.noise()), [0.1, 2.0], rtol=0.15)


def test_caution_lifts_the_noise_of_little_known_items_towards_the_mean_square_of_the_reward():
    posterior = LinearPosterior(np.ones((2, 1)), 1)
    posterior.add(np.zeros(30, int), np.ones((30, 1)), np.full(30, 2.0))
    guess = posterior.noise()
    assert guess[0] == guess[1]
    lifted = guess + np.array([10 / 40, 1.0]) * (4.0 - guess)
    assert_allclose(posterior.noise(10.0), lifted)
    plain, cautious = (posterior.moments(np.ones((1, 1)), np.array([[0, 1]]), caution) for caution in (0.0, 10.0))
    assert_allclose(cautious[0], plain[0])
    assert_allclose(cautious[1] / plain[1], np.sqrt(lifted / guess)[None], rtol=1e-6)


def test_forgetting_follows_a_drift():
    stayed, followed = fresh(), fresh(forgetting=0.95)
    items, states, _ = observations(600)
    rewards = np.where(np.arange(600) < 300, 1.0, -1.0) * states[:, 0]
    for part in np.array_split(np.arange(600), 60):
        stayed.add(items[part], states[part], rewards[part])
        followed.add(items[part], states[part], rewards[part])
    assert followed.mean[:, 0].max() < -0.8
    assert stayed.mean[:, 0].min() > -0.5


def test_packed_products_are_quadratic_forms():
    rng = np.random.default_rng(0)
    half = rng.normal(size=(3, 5, 5))
    full, z = half + half.transpose(0, 2, 1), rng.normal(size=(2, 5))
    assert packed_size(5) == 15
    assert_allclose(unpack(pack(full), 5), full)
    assert_allclose(products(z) @ pack(full).T, np.einsum("bi,nij,bj->bn", z, full, z), rtol=1e-4)


@pytest.mark.parametrize("name", ["item_prior", "shared_prior", "noise_pooling", "forgetting"])
def test_a_prior_of_nothing_is_refused_by_name(name):
    with pytest.raises(ValueError, match=name):
        LinearPosterior(ITEMS, 2, **{name: 0.0})


def test_item_features_hold_popularity_and_the_leading_components():
    rng = np.random.default_rng(0)
    line = rng.normal(size=(20, 1)) @ np.array([[3.0, 4.0, 0.0]])
    catalogue = Catalogue(line.astype(np.float32), np.arange(20.0), 2)
    g = item_features(catalogue, 5)
    assert g.shape == (20, 3)  # the features have one dimension only
    assert_allclose(g[:, 2].std(), 1.0, rtol=1e-5)
    assert abs(np.corrcoef(g[:, 2], line[:, 0])[0, 1]) > 0.9999
    assert_allclose(g[:, 1].mean(), 0.0, atol=1e-12)
    assert item_features(catalogue, 0).shape == (20, 2)
    assert_allclose(state_features(np.array([[2.0, 3.0]]), 2), [[1.0, 2.0, 3.0]])
