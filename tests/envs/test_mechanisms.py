"""Every mechanism of the causal world: its effect is what its equation says, and off it leaves no trace."""

import dataclasses

import numpy as np
import pytest
from scipy import stats

from recenv.causal import Behaviour, World
from recenv.causal.noise import CLICK
from recenv.envs import RecSysVectorEnv
from tests.envs import step_in_numpy as reference
from tests.envs.step_in_numpy import play, random_world

SEEDS = [0, 1, 2]
CLOSE = {"rtol": 1e-9, "atol": 1e-9}


@pytest.fixture(params=SEEDS)
def played(request):
    """A step of a world with every mechanism on, positions examined by themselves."""
    return play(random_world(request.param), request.param)


@pytest.mark.parametrize("choice", ["position", "cascade", "multinomial"])
@pytest.mark.parametrize("seed", SEEDS)
def test_attraction_and_satisfaction_are_their_equations(seed, choice):
    played = play(random_world(seed, choice=choice), seed)
    np.testing.assert_allclose(played.outcome["attraction"], reference.attraction(played), **CLOSE)
    np.testing.assert_allclose(played.outcome["satisfaction"], reference.satisfaction(played), **CLOSE)


def test_a_rating_counts_the_thresholds_below_satisfaction(played):
    x, world = played.outcome["satisfaction"], played.world
    level = 1 + (x[..., None] > world.thresholds).sum(-1)
    np.testing.assert_array_equal(played.outcome["level"], level)
    np.testing.assert_array_equal(played.outcome["rating"], world.scale[level - 1])
    liked = played.outcome["consumed"] & (level >= world.like_level)
    np.testing.assert_array_equal(played.outcome["liked"], liked)
    assert len(np.unique(level)) == world.n_levels


def test_positions_are_examined_by_the_power_law(played):
    np.testing.assert_array_equal(played.outcome["examined"], reference.examined(played))
    assert 0 < played.outcome["examined"][:, 1:].mean() < 1


@pytest.mark.parametrize("choice", ["position", "cascade"])
def test_the_funnel_is_two_thresholds(choice):
    played = play(random_world(0, choice=choice), 0)
    b, y, seen = played.world.behaviour, played.outcome["attraction"], played.outcome["examined"]
    np.testing.assert_array_equal(played.outcome["clicked"], seen & (y > b.tau_click))
    np.testing.assert_array_equal(played.outcome["purchased"], seen & (y > b.tau_buy))
    np.testing.assert_array_equal(played.outcome["consumed"], played.outcome["clicked"])
    assert 0 < played.outcome["purchased"].sum() < played.outcome["clicked"].sum() < seen.sum()


@pytest.mark.parametrize("seed", SEEDS)
def test_a_cascade_reads_down_to_the_first_click(seed):
    played = play(random_world(seed, choice="cascade"), seed)
    would = played.outcome["attraction"] > played.world.behaviour.tau_click
    clicked_above = np.cumsum(would, axis=1) - would > 0
    np.testing.assert_array_equal(played.outcome["examined"], ~clicked_above)
    np.testing.assert_array_equal(played.outcome["clicked"], ~clicked_above & would)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_multinomial_choice_is_the_largest_utility_or_no_click(seed):
    played = play(random_world(seed, choice="multinomial"), seed)
    np.testing.assert_array_equal(played.outcome["clicked"], reference.chosen(played))
    assert played.outcome["examined"].all()
    assert set(played.outcome["clicked"].sum(1)) == {0, 1}


def test_multinomial_choices_occur_with_logit_probabilities():
    """P(item k) = exp(v_k) / (1 + sum exp v): one slate, 20,000 noises."""
    world = random_world(1, choice="multinomial", attract=1.0, conformity=0.5, exposure=0.3)
    env = RecSysVectorEnv(20_000, world=world, slate_size=3, horizon=3, autoreset_mode="Disabled")
    env.reset(seed=0, options={"users": np.full(20_000, 4)})
    env.step(np.tile([2, 9, 17], (20_000, 1)))
    v = world.taste[4] @ world.embedding[[2, 9, 17]].T + 0.5 * world.popularity[[2, 9, 17]] + 0.3
    counts = np.append(env.outcome["clicked"].sum(0), (~env.outcome["clicked"].any(1)).sum())
    expected = np.append(np.exp(v), 1.0) / (1.0 + np.exp(v).sum())
    assert stats.chisquare(counts, 20_000 * expected).pvalue > 1e-3


@pytest.mark.parametrize("choice", ["position", "cascade", "multinomial"])
def test_organic_consumption_and_uplift_are_their_equations(choice):
    played = play(random_world(2, choice=choice), 2, batch=300)
    b, out = played.world.behaviour, played.outcome
    found = reference.transient(played, CLICK, played.actions)[1]
    found = found < b.discovery / (1 + np.exp(-played.world.popularity[played.actions]))
    without = out["examined"] & found & (out["attraction"] - b.exposure > b.tau_click)
    np.testing.assert_array_equal(out["organic"], without)
    np.testing.assert_array_equal(out["uplift"], (without | out["clicked"]).astype(int) - without == 1)
    assert out["organic"].any()
    assert out["uplift"].any()


@pytest.mark.parametrize("choice", ["position", "cascade", "multinomial"])
@pytest.mark.parametrize("seed", SEEDS)
def test_an_item_beside_the_slate_is_met_by_popularity_and_consumed_where_it_attracts_unshown(seed, choice):
    played = play(random_world(seed, choice=choice), seed)
    np.testing.assert_array_equal(played.elsewhere, reference.met(played)[0])
    assert 0 < (played.elsewhere >= 0).sum() < len(played.elsewhere)


def test_what_the_slate_shows_is_not_met_beside_it():
    world = dataclasses.replace(random_world(0, tau_click=-50.0, tau_buy=-50.0, organic_rate=1.0))
    met = play(world, 1, batch=400, slate=1).elsewhere
    shown = play(world, 1, batch=400, slate=10)
    assert (met >= 0).mean() > 0.9
    assert not (shown.elsewhere[:, None] == shown.actions).any()
    assert (shown.elsewhere >= 0).mean() < 0.8


def test_neither_the_observation_nor_a_reward_of_the_slate_tells_what_was_met():
    still = dict.fromkeys(("boredom", "drift", "adapt"), 0.0)
    seen = {}
    for rate in (0.0, 1.0):
        world = random_world(0, organic_rate=rate, **still)
        env = RecSysVectorEnv(60, world=world, slate_size=2, reward="rating", repeat=True)
        env.reset(seed=3)
        seen[rate] = [column for _ in range(4) for column in env.step(np.tile([4, 9], (60, 1)))[:2]]
        assert bool((env.core.out.elsewhere["item"] >= 0).any()) is (rate > 0)
    assert same(seen[0.0], seen[1.0])


@pytest.mark.parametrize("funnel", [0.0, 1.0])
@pytest.mark.parametrize("seed", SEEDS)
def test_liked_items_turn_the_taste_and_its_length_stays(seed, funnel):
    played = play(random_world(seed, funnel=funnel), seed)
    taste, v = played.before.taste, played.world.embedding
    length = np.linalg.norm(taste, axis=1)
    unit = v / np.linalg.norm(v, axis=1, keepdims=True)
    pull = length[:, None, None] * unit[played.actions] - taste[:, None]
    item, level = reference.met(played)
    beside = (level >= played.world.like_level)[:, None] * (length[:, None] * unit[item] - taste)
    mean = reference.mean_over_consumed(played, played.outcome["liked"][..., None] * pull, beside)
    moved = taste + played.world.behaviour.drift * mean
    moved *= (length / np.linalg.norm(moved, axis=1))[:, None]
    np.testing.assert_allclose(played.after.taste, moved, **CLOSE)
    assert np.abs(played.after.taste - taste).max() > 0.01


@pytest.mark.parametrize("funnel", [0.0, 1.0])
@pytest.mark.parametrize("seed", SEEDS)
def test_satiation_is_a_running_mean_of_consumed_topics(seed, funnel):
    played = play(random_world(seed, funnel=funnel), seed)
    rho = played.world.behaviour.rho
    topic = played.world.topic
    consumed = reference.mean_over_consumed(played, topic[played.actions], topic[reference.met(played)[0]])
    expected = rho * played.before.satiation + (1 - rho) * consumed
    np.testing.assert_allclose(played.after.satiation, expected, **CLOSE)


@pytest.mark.parametrize("funnel", [0.0, 1.0])
@pytest.mark.parametrize("seed", SEEDS)
def test_trust_follows_the_normalised_ratings(seed, funnel):
    played = play(random_world(seed, funnel=funnel), seed)
    steps = played.world.n_levels - 1
    beside = (reference.met(played)[1] - 1) / steps
    felt = reference.mean_over_consumed(played, (played.outcome["level"] - 1) / steps, beside)
    expected = played.before.trust + played.world.behaviour.adapt * (felt - played.before.trust)
    np.testing.assert_allclose(played.after.trust, expected, **CLOSE)


def test_mood_is_autoregressive_and_keeps_variance_one(played):
    phi = played.world.behaviour.phi
    n = stats.norm.ppf(reference.passage(played)[0])
    np.testing.assert_allclose(played.after.mood, phi * played.before.mood + np.sqrt(1 - phi**2) * n, **CLOSE)


def test_users_leave_by_their_trust_after_the_step(played):
    b = played.world.behaviour
    p = b.leaving / (1 + np.exp(b.h1 * played.after.trust - b.h0))
    np.testing.assert_array_equal(played.terminated, reference.passage(played)[1] < p)
    assert 0 < played.terminated.mean() < 1


def test_mood_starts_standard_normal():
    env = RecSysVectorEnv(3000, world=random_world(0), horizon=3)
    env.reset(seed=0)
    assert stats.kstest(env.get_state().mood, "norm").pvalue > 1e-3


def session(world, fields, *, steps=5, slate=3):
    """What `fields` (of the outcome or the state) are over whole sessions, episodes one after the other."""
    env = RecSysVectorEnv(40, world=world, slate_size=slate, horizon=steps, feedback="simulated", repeat=True)
    env.reset(seed=11)
    actions = np.random.default_rng(5).permuted(np.tile(np.arange(30), (2 * steps, 40, 1)), axis=2)[..., :slate]
    seen = []
    for step in actions:
        _, _, terminated, truncated, _ = env.step(step)
        state = env.get_state()
        record = {name: env.outcome[name].copy() for name in env.outcome.dtype.names}
        record |= {"taste": state.taste, "trust": state.trust.copy(), "mood": state.mood.copy()}
        record |= {"terminated": terminated, "truncated": truncated}
        seen.append([record[name] for name in fields])
    return [np.stack(column) for column in zip(*seen, strict=True)]


def same(one, two):
    return all(np.array_equal(a, b) for a, b in zip(one, two, strict=True))


def shuffled(world, name):
    """The world with a parameter dealt out anew: what is off must not notice."""
    array = getattr(world, name)
    return dataclasses.replace(world, **{name: array[np.random.default_rng(3).permutation(len(array))]})


def with_other(**fields):
    return lambda world: dataclasses.replace(world, behaviour=dataclasses.replace(world.behaviour, **fields))


ALL = ("item", "examined", "clicked", "purchased", "consumed", "liked", "organic", "uplift", "level", "rating",
       "attraction", "satisfaction", "taste", "trust", "terminated", "truncated")  # fmt: skip
CLICKS = ("examined", "clicked", "purchased", "organic", "uplift", "attraction")
FELT = ("level", "rating", "liked", "satisfaction", "taste", "trust", "terminated")
CASES = {
    "attract": (lambda w: shuffled(w, "taste"), CLICKS, {}),
    "conformity": (lambda w: shuffled(w, "popularity"), ALL, {"discovery": 0.0, "organic_rate": 0.0}),
    "coupling": (lambda w: dataclasses.replace(w, seed=99), CLICKS, {"drift": 0.0, "leaving": 0.0}),
    "discovery": (lambda w: shuffled(w, "popularity"), ALL, {"conformity": 0.0, "organic_rate": 0.0}),
    "organic_rate": (lambda w: shuffled(w, "popularity"), ALL, {"conformity": 0.0, "discovery": 0.0}),
    "boredom": (with_other(rho=0.99), ALL, {}),
    "drift": (lambda w: dataclasses.replace(w, like_level=2), ("taste", "satisfaction", "attraction", "level"), {}),
    "adapt": (lambda w: dataclasses.replace(w, item_bias=w.item_bias + 5.0), ("trust", "terminated"), {}),
    "confounding": (lambda w: shuffled(w, "comfort").do(mood=2.5, phi=0.1), ALL, {}),
    "leaving": (with_other(h0=3.0, h1=-4.0), ALL, {}),
    "funnel": (with_other(tau_click=5.0, tau_buy=9.0, eta=3.0), FELT, {"organic_rate": 0.0}),
}  # fmt: skip
"""Mechanism -> (what takes away or alters all that it works with, what it could touch, what else must be off)."""


@pytest.mark.parametrize("choice", ["position", "cascade"])
@pytest.mark.parametrize("mechanism", CASES)
def test_a_mechanism_that_is_off_leaves_no_trace(mechanism, choice):
    alter, fields, others = CASES[mechanism]
    off = random_world(4, choice=choice, **{mechanism: 0.0}, **others)
    assert same(session(off, fields), session(alter(off), fields))


@pytest.mark.parametrize("mechanism", CASES)
def test_the_same_change_is_felt_where_the_mechanism_is_on(mechanism):
    alter, fields, others = CASES[mechanism]
    on = random_world(4, **others)
    assert not same(session(on, fields), session(alter(on), fields))


def test_without_position_effects_every_place_is_the_first():
    world = random_world(5, eta=0.0)
    env = RecSysVectorEnv(30, world=world, slate_size=4, horizon=3, autoreset_mode="Disabled")
    env.reset(seed=2)
    alone = env.potential_outcomes()[:, [3, 8, 1, 22]]
    env.step(np.tile([3, 8, 1, 22], (30, 1)))
    np.testing.assert_array_equal(env.outcome, alone)


def test_without_exposure_nothing_found_is_caused_by_the_recommendation():
    world = random_world(5, exposure=0.0)
    out = play(world, 5, batch=300).outcome
    found = out["organic"]
    assert found.any()
    assert not out["uplift"][found].any()
    np.testing.assert_array_equal(play(world.do(discovery=1.0), 5, batch=300).outcome["attraction"], out["attraction"])


def test_without_noise_correlation_opinions_of_two_items_are_independent():
    for c, expected in ((0.0, 0.0), (0.6, 0.6)):
        world = dataclasses.replace(
            World.synthetic(0, users=3000, items=10),
            behaviour=dataclasses.replace(Behaviour.off(), noise_correlation=c),
        )
        env = RecSysVectorEnv(3000, world=world, slate_size=2, horizon=1, feedback="simulated")
        env.reset(seed=0, options={"users": np.arange(3000)})
        env.step(np.tile([1, 7], (3000, 1)))
        base = [world.base_utility(np.arange(3000), np.full(3000, a)) for a in (1, 7)]
        e = env.outcome["satisfaction"] - np.stack(base, axis=1)
        z = stats.norm.ppf(stats.logistic.cdf(e))
        assert np.corrcoef(z.T)[0, 1] == pytest.approx(expected, abs=0.06)


def test_with_everything_off_the_session_is_the_rating_model_alone():
    world = dataclasses.replace(random_world(6), behaviour=Behaviour.off())
    out = play(world, 6)
    x = world.base_utility(np.repeat(out.before.user, 4), out.actions.ravel()).reshape(out.actions.shape)
    np.testing.assert_array_equal(out.outcome["consumed"], True)
    np.testing.assert_array_equal(out.outcome["examined"], True)
    np.testing.assert_array_equal(out.outcome["organic"], False)
    np.testing.assert_allclose(out.outcome["satisfaction"], x + reference.opinion(out), **CLOSE)
    np.testing.assert_array_equal(out.after.taste, out.before.taste)
    np.testing.assert_array_equal(out.after.trust, out.before.trust)
    assert not out.terminated.any()
