import numpy as np
import pytest
from numpy.testing import assert_array_equal

from recenv.agents.linear.highest_bound import Bounds, Loose, _ceilings
from recenv.agents.linear.linucb import LinUCBAgent
from recenv.agents.linear.packed_symmetric import largest_eigenvalues, pack, row_sizes, unpack
from recenv.protocol import Catalogue, Decision, Feedback, Request

N, COLUMNS = 60, 7


def observations(rng, users, kind):
    """Dense ones are told apart by their columns; of one-hot ones the loose bounds say little."""
    if kind == "dense":
        return rng.standard_normal((users, COLUMNS)).astype(np.float32)
    return np.concatenate(
        [np.ones((users, 1)), np.eye(COLUMNS - 1)[rng.integers(COLUMNS - 1, size=users)]], axis=1, dtype="f4"
    )


def learned(rng, kind, steps, **options):
    catalogue = Catalogue(rng.standard_normal((N, 5)).astype(np.float32), np.ones(N), COLUMNS)
    agent = LinUCBAgent(catalogue, **options)
    for _ in range(steps):
        request = Request(observations(rng, 8, kind), np.tile(np.arange(N), (8, 1)), 1)
        items, ended = rng.integers(N, size=(8, 1)), np.ones(8, bool)
        reward = rng.random(8) * (items[:, 0] % 5)
        agent.update(Feedback(request, Decision(items, np.ones(8)), reward, request, ended, ~ended))
    return agent


def asked(rng, users, kind, holes):
    candidates = np.argsort(rng.random((users, N)), axis=1)
    candidates[:, 1:][rng.random((users, N - 1)) < holes] = -1
    return Request(observations(rng, users, kind), candidates, 1)


@pytest.mark.parametrize("kind", ["dense", "one-hot"])
@pytest.mark.parametrize("steps", [0, 3, 60])
@pytest.mark.parametrize("options", [{}, {"alpha": 3.0, "forgetting": 0.9}, {"alpha": 0.0}])
def test_it_is_the_item_that_has_the_highest_of_all_scores(kind, steps, options):
    rng = np.random.default_rng(steps)
    agent = learned(rng, kind, steps, **options)
    whole = Request(observations(rng, 30, kind), np.tile(np.arange(N), (30, 1)), 1)
    for request in (whole, asked(rng, 30, kind, 0.5), asked(rng, 30, kind, 0.9)):
        found = agent.act(request, rng=rng)
        scores = np.where(request.candidates >= 0, agent.scores(request), -np.inf)
        place = (request.candidates == found.items).argmax(axis=1)
        assert (found.items >= 0).all()
        assert (scores[np.arange(30), place] >= scores.max(axis=1) - 1e-6).all()
        assert_array_equal(found.probability, np.ones(30))


def test_of_equals_it_is_the_lowest_id():
    catalogue = Catalogue(np.ones((N, 1), np.float32), np.ones(N), COLUMNS)
    request = Request(np.ones((3, COLUMNS), np.float32), np.tile(np.arange(N)[::-1], (3, 1)), 1)
    assert_array_equal(LinUCBAgent(catalogue).act(request, rng=np.random.default_rng(0)).items, np.zeros((3, 1)))


def test_a_user_without_candidates_gets_an_empty_position():
    rng = np.random.default_rng(0)
    agent, request = learned(rng, "dense", 3), asked(rng, 4, "dense", 0.5)
    request.candidates[2] = -1
    items = agent.act(request, rng=rng).items
    assert items[2] == -1
    assert (np.delete(items, 2) >= 0).all()


def test_an_observation_that_is_not_finite_is_refused_as_ever():
    rng = np.random.default_rng(0)
    agent, request = learned(rng, "dense", 3), asked(rng, 4, "dense", 0.5)
    request.observation[1, 2] = np.nan
    with pytest.raises(ValueError, match="scores must be finite"):
        agent.act(request, rng=rng)


def test_without_exploration_it_is_the_highest_mean():
    rng = np.random.default_rng(0)
    agent, request = learned(rng, "dense", 20), asked(rng, 20, "dense", 0.3)
    mean = np.where(request.candidates >= 0, agent.moments(request)[0], -np.inf)
    best = request.candidates[np.arange(20), mean.argmax(axis=1)]
    assert_array_equal(agent.act(request, rng=rng, explore=False).items[:, 0], best)


@pytest.mark.parametrize("kind", ["dense", "one-hot"])
def test_no_exact_bound_is_above_the_loose_one(kind):
    rng = np.random.default_rng(1)
    agent = learned(rng, kind, 40, forgetting=0.97)
    posterior, users = agent.posterior, observations(rng, 50, kind).astype(np.float64)
    states = np.concatenate([np.ones((50, 1)), users], axis=1)
    exact = np.einsum("bi,nij,bj->nb", states, unpack(posterior.covariance, COLUMNS + 1), states)
    squares = (states**2).astype(np.float32)
    loose = Loose(posterior._reach @ squares.T, posterior.largest, squares.sum(axis=1))
    bounds = Bounds(posterior._single, posterior.mean @ states.T, np.ones(N))
    assert (_ceilings(bounds.mean, *loose, bounds.factor) >= bounds.mean + np.sqrt(exact) - 1e-7).all()


def test_largest_eigenvalues_are_bounded_closely():
    rng = np.random.default_rng(2)
    root = rng.standard_normal((20, 6, 6)) * 10.0 ** rng.integers(-9, 9, size=(20, 1, 1))
    full = root @ root.transpose(0, 2, 1)
    largest = np.linalg.eigvalsh(full)[:, -1]
    assert (largest_eigenvalues(full) >= largest * (1.0 - 1e-12)).all()
    assert (largest_eigenvalues(full) <= largest * 6 ** (1 / 32) * (1.0 + 1e-12)).all()
    assert_array_equal(largest_eigenvalues(np.zeros((1, 3, 3))) < 1e-300, [True])


def test_row_sizes_are_those_of_the_full_matrices():
    rng = np.random.default_rng(3)
    full = rng.standard_normal((4, 5, 5))
    full += full.transpose(0, 2, 1)
    np.testing.assert_allclose(row_sizes(pack(full).astype(np.float32), 5), np.abs(full).sum(axis=2), rtol=1e-5)
