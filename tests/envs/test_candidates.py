"""Candidate sets: drawn by address, mapped to item ids, and never part of what agents are asked to decode."""

import numpy as np
import pytest
from gymnasium import spaces
from gymnasium.utils.env_checker import check_env
from scipy.stats import chi2

from recenv.causal import World
from recenv.envs import RecSysEnv, RecSysVectorEnv
from recenv.envs.candidate_sets import SMALLEST, scattered
from recenv.protocol import Decision
from recenv.testing import check_vector_env
from tests.envs.episodes import assert_slot_equals_alone, play_alone, play_batch

C = 5


def played(env, steps, choose=lambda env: np.zeros(env.num_envs, int)):
    """Step and return the candidates (steps + 1, B, C) that were met."""
    met = [env.candidates()]
    for _ in range(steps):
        env.step(choose(env))
        met.append(env.candidates())
    return np.array(met)


def fresh(world, users=20, **options):
    env = RecSysVectorEnv(users, **{"world": world.do(leaving=0), "candidates": C, "horizon": 6, **options})
    env.reset(seed=3)
    return env


@pytest.mark.parametrize("repeat", [False, True])
@pytest.mark.parametrize("slate_size", [1, 3])
def test_a_set_has_different_items_that_may_be_shown(world, repeat, slate_size):
    env = fresh(world, repeat=repeat, slate_size=slate_size)
    for _ in range(6):
        offered = env.candidates()
        assert offered.shape == (20, C)
        assert offered.min() >= 0
        assert offered.max() < world.n_items
        assert all(len(set(row)) == C for row in offered)
        if not repeat:
            assert not (offered[:, :, None] == env.core.state.shown[:, None, :]).any()
        env.step(np.tile(np.arange(slate_size), (20, 1)))


@pytest.mark.parametrize("n", [5, 30, 256, 300])
def test_every_item_is_offered_equally_often_and_so_is_every_pair(n):
    world = World.synthetic(0, users=10, items=max(n, 10))
    env = RecSysVectorEnv(8000, world=world, candidates=2, horizon=2, items="all")
    env.reset(seed=0)
    met = played(env, 1).reshape(-1, 2)[:8000]
    size = world.n_items
    if size > 30:
        met = met * 16 // size  # sixteen classes, about even
        counts = np.bincount(met[:, 0], minlength=16)
        share = np.bincount(np.arange(size) * 16 // size, minlength=16) / size
        statistic, degrees = ((counts - 8000 * share) ** 2 / (8000 * share)).sum(), 15
    else:
        counts = np.bincount(met[:, 0] * size + met[:, 1], minlength=size * size)[~np.eye(size, dtype=bool).ravel()]
        statistic = ((counts - counts.mean()) ** 2 / counts.mean()).sum()
        degrees = len(counts) - 1
    assert 1e-4 < chi2.sf(statistic, degrees) < 1 - 1e-4


@pytest.mark.parametrize("bits", [8, 9, 13])
def test_the_keyed_permutation_takes_every_place_once(bits):
    keys = tuple(np.uint32(k) for k in np.random.default_rng(bits).integers(0, 2**32, 8))
    mask, shift = np.uint64(2**bits - 1), np.uint64((bits + 1) // 2)
    places = [scattered(p, mask, shift, keys) for p in range(2**bits)]
    assert sorted(places) == list(range(2**bits))
    assert places != sorted(places)
    assert SMALLEST == 8


def test_sets_depend_on_the_address_alone(world):
    a, b = fresh(world, items="all"), fresh(world)
    np.testing.assert_array_equal(played(a, 4), played(b, 4))
    assert (a.candidates() != np.roll(a.candidates(), 1, axis=0)).any()
    first, second = a.candidates(), played(a, 1)[1]
    assert (first != second).any()  # another step, another set


def test_what_was_shown_is_left_out_and_the_others_stay(world):
    """The same permutation is walked: a history takes out what it holds and moves in who is next."""
    a, b = fresh(world), fresh(world)
    sets = played(a, 3, lambda env: np.zeros(20, int)), played(b, 3, lambda env: np.full(20, C - 1))
    np.testing.assert_array_equal(sets[0][0], sets[1][0])
    for i in range(20):
        assert len(set(sets[0][3, i]) & set(sets[1][3, i])) >= C - 3


@pytest.mark.parametrize("slate_size", [1, 2])
@pytest.mark.parametrize("observation", ["features", "history"])
def test_alone_and_in_a_batch_the_sets_are_the_same(world, observation, slate_size):
    options = {"world": world, "candidates": C, "horizon": 5, "observation": observation, "slate_size": slate_size}
    shape = (14, 3) if slate_size == 1 else (14, 3, slate_size)
    actions = np.random.default_rng(0).integers(0, C, shape)
    batch = play_batch(RecSysVectorEnv(3, **options), 7, actions)
    for slot in range(3):
        alone = play_alone(RecSysEnv(**options), 7 + slot, actions[:, slot])
        assert_slot_equals_alone(batch, slot, alone)


@pytest.mark.parametrize("observation", ["features", "history"])
@pytest.mark.parametrize("mode", ["NextStep", "SameStep", "Disabled"])
def test_it_is_a_vector_environment(world, observation, mode):
    options = {"world": world, "candidates": C, "horizon": 5, "observation": observation}
    check_vector_env(lambda num_envs: RecSysVectorEnv(num_envs, autoreset_mode=mode, **options), steps=20)


def test_the_last_observation_holds_the_set_of_the_session_that_ended(world):
    options = {"world": world, "candidates": C, "horizon": 3, "observation": "history"}
    same = RecSysVectorEnv(4, autoreset_mode="SameStep", **options)
    other = RecSysVectorEnv(4, autoreset_mode="Disabled", **options)
    same.reset(seed=0)
    other.reset(seed=0)
    for _ in range(3):
        running = ~other.core.state.done
        if not running.all():
            break
        *_, info = same.step(np.zeros(4, int))
        observation, _, terminated, truncated, _ = other.step(np.zeros(4, int))
    for slot in np.flatnonzero(terminated | truncated):
        for name, column in observation.items():
            np.testing.assert_array_equal(info["final_obs"][slot][name], column[slot])


@pytest.mark.parametrize(("slate_size", "space"), [(1, spaces.Discrete(C)), (2, spaces.MultiDiscrete([C, C]))])
def test_an_action_is_a_place(world, slate_size, space):
    env = RecSysEnv(world=world, candidates=C, slate_size=slate_size, horizon=4)
    assert env.action_space == space
    env.reset(seed=0)
    offered = env.candidates()
    places = np.array([3, 1])[:slate_size]
    *_, info = env.step(places if slate_size > 1 else 3)
    np.testing.assert_array_equal(info["item"], offered[places] if slate_size > 1 else offered[3])
    check_env(env, skip_render_check=True)


@pytest.mark.parametrize("action", [C, -1, 1.0, True, [0, 1]])
def test_what_is_no_place_is_refused(world, action):
    env = RecSysEnv(world=world, candidates=C, horizon=4)
    env.reset(seed=0)
    with pytest.raises((TypeError, ValueError), match="action"):
        env.step(action)


def test_flat_observations_hold_features_and_recoverable_ids(world):
    env = fresh(world)
    observation, _ = env.reset(seed=3)
    size, width = env.catalogue.observation_size, env.catalogue.features.shape[1]
    offered = env.candidates()
    assert observation.shape == (20, size + C * (width + 1))
    np.testing.assert_array_equal(
        observation[:, size : size + C * width].reshape(20, C, width), env.catalogue.features[offered]
    )
    np.testing.assert_array_equal(np.rint(observation[:, -C:] * world.n_items), offered)


def test_a_request_lacks_the_part_that_its_candidates_say(world):
    for kind in ("features", "history"):
        env = fresh(world, observation=kind)
        observation, _ = env.reset(seed=3)
        request = env.request(observation)
        plain = RecSysVectorEnv(20, world=world.do(leaving=0), horizon=6, observation=kind)
        expected, _ = plain.reset(seed=3)
        if kind == "features":
            np.testing.assert_array_equal(request.observation, expected)
            assert request.observation.shape[1] == env.catalogue.observation_size
        else:
            assert set(request.observation) == set(expected)
        np.testing.assert_array_equal(request.candidates, env.candidates())


def test_items_become_actions_and_come_back(world):
    env = fresh(world, slate_size=3)
    offered = env.candidates()
    items = offered[:, [4, 0, 2]]
    np.testing.assert_array_equal(env.actions_of(items), np.tile([4, 0, 2], (20, 1)))
    np.testing.assert_array_equal(env.items_of(env.actions_of(items)), items)
    np.testing.assert_array_equal(env.actions_of(items[[5, 2]], np.array([5, 2])), [[4, 0, 2]] * 2)
    items[0, 1] = -1
    assert env.actions_of(items)[0].tolist() == [4, 4, 2]  # a repeat is an empty position
    stranger = np.setdiff1d(np.arange(world.n_items), offered[7])[0]
    items[7, 2] = stranger
    with pytest.raises(ValueError, match=f"item {stranger} at position 2 of row 7 is not among its candidates"):
        env.actions_of(items)


def test_masks_are_those_of_places(world):
    env = fresh(world, slate_size=2)
    assert env.action_masks().shape == (20, C)
    assert RecSysEnv(world=world, candidates=C, slate_size=2, horizon=4).action_space.shape == (2,)
    alone = RecSysEnv(world=world, candidates=C, slate_size=2, horizon=4)
    alone.reset(seed=0)
    assert alone.action_masks().shape == (2 * C,)
    assert alone.action_masks().all()


def test_a_counterfactual_and_a_branch_meet_the_same_sets(world):
    env = fresh(world)
    for _ in range(3):
        env.step(np.zeros(20, int))
    kept = env.get_state()
    expected = env.candidates()
    env.step(np.ones(20, int))
    env.set_state(kept)
    np.testing.assert_array_equal(env.candidates(), expected)
    alone = RecSysEnv(world=world.do(leaving=0), candidates=C, horizon=6)
    alone.set_state(RecSysVectorEnv.get_state(env, [4]))
    np.testing.assert_array_equal(alone.candidates(), expected[4])


class FirstCandidate:
    """Shows the first candidate, and remembers what it was asked."""

    def __init__(self):
        self.asked = []

    def act(self, request, *, rng, explore=True):
        self.asked.append(request.candidates[0].copy())
        return Decision(request.candidates[:, :1], np.ones(len(request.candidates)))


def test_a_policy_in_a_counterfactual_is_offered_what_it_was_offered_in_fact(world):
    env = RecSysEnv(world=world.do(leaving=0), candidates=C, horizon=5)
    env.reset(seed=1)
    met = []
    for _ in range(5):
        met.append(env.candidates())
        env.step(0)
    policy = FirstCandidate()
    again = env.counterfactual(policy)
    np.testing.assert_array_equal(policy.asked, met)
    assert (again.outcomes["item"][:, 0] == np.array(met)[:, 0]).all()
    assert not again.lost_steps.any()


def test_counterfactual_items_are_catalogue_ids(world):
    env = RecSysEnv(world=world.do(leaving=0), candidates=C, horizon=5)
    env.reset(seed=1)
    env.step(0)
    outside = np.setdiff1d(np.arange(world.n_items), env.candidates())[:1]
    assert env.counterfactual(outside).outcomes["item"][0, 0] == outside[0]


def test_where_few_items_are_left_the_set_is_padded_and_never_empty():
    world = World.synthetic(0, users=10, items=10).do(leaving=0)
    env = RecSysVectorEnv(3, world=world, candidates=4, horizon=7, autoreset_mode="Disabled")
    env.reset(seed=0)
    for _ in range(7):
        observation, *_ = env.step(np.zeros(3, int))
    assert (env.candidates()[:, :3] >= 0).all()
    assert (env.candidates()[:, 3] == -1).all()  # three of ten are left
    assert observation in env.observation_space
    np.testing.assert_array_equal(env.action_masks(), env.candidates() >= 0)
    whole = RecSysVectorEnv(3, world=world, candidates=1, horizon=10, autoreset_mode="Disabled")
    whole.reset(seed=0)
    for _ in range(10):
        whole.step(np.zeros(3, int))
    assert (whole.candidates() >= 0).all()  # the session is over: no action follows


def test_too_many_candidates_are_refused(world):
    with pytest.raises(ValueError, match="30 items; 20 steps of 1 out of 12 candidates without repeats need 31"):
        RecSysEnv(world=world, candidates=12)
    with pytest.raises(ValueError, match="need 31"):
        RecSysEnv(world=world, candidates=31, repeat=True)
    RecSysEnv(world=world, candidates=30, repeat=True)
