"""Mechanisms as they show in an environment: each is switched on alone and compared with its equation."""

import dataclasses

import numpy as np
import pytest
from scipy import stats

from recenv.causal import Behaviour, World
from recenv.envs import RecSysVectorEnv

USERS = 20_000


def only(**strengths):
    return dataclasses.replace(Behaviour.off(), **strengths)


def crowd(world, behaviour, size=USERS, user=3, **options):
    """Many copies of one user, each with a seed of its own, just after the reset."""
    env = RecSysVectorEnv(size, world=world, behaviour=behaviour, **options)
    env.reset(seed=0, options={"users": np.full(size, user)})
    return env


def show(env, *items):
    """Show the same items to everybody and return the outcomes (B,) or (B, K)."""
    action = np.array(items)
    env.step(np.tile(action, (env.num_envs, 1)) if len(items) > 1 else np.full(env.num_envs, items[0]))
    return env.outcome[:, 0] if len(items) == 1 else env.outcome


def close(share, p, size=USERS):
    """Whether a share is within 4.5 standard errors of a probability."""
    return abs(share - p) < 4.5 * np.sqrt(p * (1 - p) / size)


def test_repeating_a_topic_bores_by_the_equation(world):
    env = crowd(world, only(boredom=3.0, rho=0.8), size=1, repeat=True)
    x = np.array([float(show(env, 4)["satisfaction"][0]) for _ in range(5)])
    satiation = 1.0 - 0.8 ** np.arange(5)
    np.testing.assert_allclose(x[0] - x, 3.0 * satiation * (world.topic[4] @ world.topic[4]), atol=1e-9)


def test_another_topic_does_not_bore(world):
    other = int(np.argmin(world.topic @ world.topic[4]))
    assert world.topic[other] @ world.topic[4] == 0.0
    env = crowd(world, only(boredom=3.0), size=1, repeat=True)
    alone = env.potential_outcomes()["satisfaction"][0, other]
    show(env, 4)
    assert env.potential_outcomes()["satisfaction"][0, other] == alone


def test_boredom_lowers_ratings(world):
    ratings = []
    for boredom in (0.0, 6.0):
        env = RecSysVectorEnv(world.n_users, world=world, behaviour=only(boredom=boredom), repeat=True, horizon=8)
        env.reset(seed=0, options={"users": np.arange(world.n_users)})
        ratings.append(sum(env.step(np.full(world.n_users, 4))[1].mean() for _ in range(8)))
    assert ratings[1] < ratings[0] - 2.0


@pytest.mark.parametrize("trust", [0.0, 0.3, 1.0])
def test_users_leave_with_the_probability_of_their_trust(world, trust):
    env = crowd(world.do(trust=trust), None)
    _, _, terminated, _, _ = env.step(np.full(USERS, 5))
    assert close(terminated.mean(), 1 / (1 + np.exp(1.0 + 4.0 * trust)))


def test_disappointed_users_leave_sooner(world):
    left = []
    for item in (np.argmin, np.argmax):
        env = crowd(world, only(leaving=1.0, adapt=0.9), repeat=True)
        best = int(item(env.potential_outcomes()["satisfaction"][0]))
        left.append(env.step(np.full(USERS, best))[2].mean())
    assert left[0] > left[1] + 0.1


def test_nobody_leaves_when_leaving_is_off(world):
    env = crowd(world.do(trust=0.0, leaving=0.0), None, size=500, horizon=5)
    for item in range(5):
        _, _, terminated, truncated, _ = env.step(np.full(500, item))
        assert not terminated.any()
    assert truncated.all()


def test_trust_follows_what_was_felt(world):
    env = crowd(world, only(adapt=0.25), size=1)
    level = int(show(env, 6)["level"][0])
    expected = world.trust_start + 0.25 * ((level - 1) / 4 - world.trust_start)
    assert env.get_state().trust[0] == pytest.approx(expected)


def test_a_multinomial_choice_clicks_once_at_most_and_in_shares_of_the_softmax(world):
    behaviour = only(choice="multinomial", attract=1.0, conformity=0.5, exposure=0.4)
    items = np.array([2, 9, 17])
    env = crowd(world, behaviour, slate_size=3, horizon=2)
    clicks = show(env, *items)["clicked"]
    assert clicks.sum(1).max() == 1
    value = np.exp(world.embedding[items] @ world.taste[3] + 0.5 * world.popularity[items] + 0.4)
    expected = np.append(value, 1.0) / (1.0 + value.sum())
    counts = np.append(clicks.sum(0), USERS - clicks.sum())
    assert stats.chisquare(counts, expected * USERS).pvalue > 0.01


def test_the_multinomial_click_has_the_largest_attraction(world):
    env = crowd(world, only(choice="multinomial", attract=1.0), size=500, slate_size=3, horizon=2)
    outcome = show(env, 2, 9, 17)
    who = outcome["clicked"].any(1)
    np.testing.assert_array_equal(outcome["clicked"][who].argmax(1), outcome["attraction"][who].argmax(1))


def test_positions_are_examined_in_their_frequencies(world):
    env = crowd(world, only(eta=0.8), slate_size=4, horizon=2)
    share = show(env, 1, 2, 3, 4)["examined"].mean(0)
    assert share[0] == 1.0
    for k in (1, 2, 3):
        assert close(share[k], (1 / (k + 1)) ** 0.8)


def test_examination_belongs_to_the_position_not_to_the_item(world):
    found = []
    for items in ((1, 2, 3), (7, 8, 9)):
        found.append(show(crowd(world, only(eta=1.0), size=300, slate_size=3, horizon=2), *items)["examined"].copy())
    np.testing.assert_array_equal(*found)


def test_a_cascade_stops_at_the_first_click(world):
    outcome = show(crowd(world, only(choice="cascade"), size=3000, slate_size=4, horizon=2), 1, 2, 3, 4)
    before = np.cumsum(outcome["clicked"], 1) - outcome["clicked"]
    np.testing.assert_array_equal(outcome["examined"], before == 0)
    assert outcome["clicked"].sum(1).max() == 1
    assert np.all(outcome["clicked"][outcome["examined"]] == (outcome["attraction"][outcome["examined"]] > 0))


def test_a_position_user_may_click_more_than_once(world):
    assert show(crowd(world, only(), size=3000, slate_size=4, horizon=2), 1, 2, 3, 4)["clicked"].sum(1).max() == 4


def test_the_funnel_decides_what_is_consumed(world):
    for funnel in (0.0, 1.0):
        outcome = show(crowd(world, only(funnel=funnel), size=500), 8)
        expected = outcome["clicked"] if funnel else np.ones(500, bool)
        np.testing.assert_array_equal(outcome["consumed"], expected)
        np.testing.assert_array_equal(outcome["liked"], expected & (outcome["level"] >= world.like_level))
    assert 0.1 < outcome["clicked"].mean() < 0.9


def test_purchases_are_clicks_above_a_second_threshold(world):
    outcome = show(crowd(world, only(tau_click=-0.5, tau_buy=1.0), size=3000), 8)
    np.testing.assert_array_equal(outcome["clicked"], outcome["attraction"] > -0.5)
    np.testing.assert_array_equal(outcome["purchased"], outcome["attraction"] > 1.0)


def test_uplift_is_what_the_recommendation_added(world):
    outcome = show(crowd(world, only(discovery=0.9, exposure=1.0)), 8)
    assert not np.any(outcome["organic"] & ~outcome["clicked"])  # exposure only adds
    np.testing.assert_array_equal(outcome["uplift"], outcome["clicked"] & ~outcome["organic"])
    found = 0.9 / (1 + np.exp(-world.popularity[8]))
    unshown = outcome["attraction"] - 1.0 > 0
    assert close(outcome["organic"][unshown].mean(), found, unshown.sum())


def test_without_discovery_every_click_is_uplift(world):
    outcome = show(crowd(world, only(exposure=1.0), size=500), 8)
    np.testing.assert_array_equal(outcome["uplift"], outcome["clicked"])


def test_coupling_ties_clicks_to_opinions_with_its_sign(world):
    users = np.arange(world.n_users)
    for coupling in (-0.9, 0.0, 0.9):
        env = RecSysVectorEnv(world.n_users, world=world, behaviour=only(coupling=coupling))
        env.reset(seed=0, options={"users": users})
        outcome = env.potential_outcomes()
        base = world.taste @ world.embedding.T + world.user_bias[:, None] + world.item_bias
        felt = stats.norm.ppf(stats.logistic.cdf(outcome["satisfaction"] - base))
        drawn = stats.norm.ppf(stats.logistic.cdf(outcome["attraction"]))
        assert np.corrcoef(felt.ravel(), drawn.ravel())[0, 1] == pytest.approx(coupling, abs=0.12)


def test_noise_correlation_is_shared_by_the_items_of_a_user(world):
    env = RecSysVectorEnv(
        world.n_users, world=world, behaviour=only(noise_correlation=0.6), feedback="simulated", reward="click"
    )
    env.reset(seed=0, options={"users": np.arange(world.n_users)})
    base = world.taste @ world.embedding.T + world.user_bias[:, None] + world.item_bias
    noise = stats.norm.ppf(stats.logistic.cdf(env.potential_outcomes()["satisfaction"] - base))
    assert noise.mean(1).var() == pytest.approx(0.6, abs=0.3)
    assert noise.var(1).mean() == pytest.approx(0.4, abs=0.1)


def test_liking_turns_the_taste_and_keeps_its_length(world):
    env = crowd(world, only(drift=0.3), size=1)
    liked = np.flatnonzero(env.potential_outcomes()["liked"][0])
    disliked = np.flatnonzero(~env.potential_outcomes()["liked"][0])
    start = env.get_state().taste[0].copy()
    show(env, int(disliked[0]))
    np.testing.assert_array_equal(env.get_state().taste[0], start)
    show(env, int(liked[0]))
    after = env.get_state().taste[0]
    direction = world.embedding[liked[0]] / np.linalg.norm(world.embedding[liked[0]])
    mixed = 0.7 * start + 0.3 * np.linalg.norm(start) * direction
    np.testing.assert_allclose(after, mixed * np.linalg.norm(start) / np.linalg.norm(mixed))


def test_mood_starts_standard_normal_and_stays_so(world):
    env = crowd(world, only(), size=USERS, horizon=4)
    for item in range(3):
        mood = env.get_state().mood
        assert stats.kstest(mood, "norm").pvalue > 0.001
        before = mood.copy()
        show(env, item)
    assert np.corrcoef(before, env.get_state().mood)[0, 1] == pytest.approx(0.9, abs=0.01)


def test_mood_moves_satisfaction_by_the_comfort_of_the_item(world):
    satisfaction = []
    for mood in (0.0, 1.0):
        env = crowd(world.do(mood=mood, confounding=2.0), None, size=1)
        satisfaction.append(env.potential_outcomes()["satisfaction"][0])
    np.testing.assert_allclose(satisfaction[1] - satisfaction[0], 2.0 * np.tanh(1.0) * world.comfort, atol=1e-9)


def test_held_nodes_stay_at_their_value(world):
    env = crowd(world.do(mood=0.7, trust=0.4, satiation=0.2), None, size=50)
    for item in range(4):
        state = env.get_state()
        assert np.all(state.mood == 0.7)
        assert np.all(state.trust == 0.4)
        assert np.all(state.satiation == 0.2)
        show(env, item)


def test_a_pair_that_only_the_filter_takes_for_logged_has_noise_of_its_own():
    world = World.synthetic(26, users=40, items=1500, dims=4, topics=4)
    few = dataclasses.replace(world.pairs, **{name: column[::20] for name, column in world.pairs.arrays().items()})
    world = dataclasses.replace(world, pairs=few)
    table = world.pairs.table(world.n_users)
    words = table.filter.shape[1]
    assert 64 * words < world.n_items
    env = RecSysVectorEnv(40, world=world, behaviour=Behaviour(funnel=1.0))
    env.reset(seed=0, options={"users": np.arange(40)})
    bits = 64 * words
    logged = np.zeros((40, bits * -(-world.n_items // bits)), bool)
    logged[world.pairs.user, world.pairs.item] = True
    taken = logged.reshape(40, -1, bits).any(1)
    in_vain = np.tile(taken, (1, logged.shape[1] // bits)) & ~logged
    items = in_vain.argmax(1)
    assert in_vain[np.arange(40), items].all()
    expected = env.potential_outcomes()[np.arange(40), items]
    env.step(items)
    np.testing.assert_array_equal(env.outcome[:, 0]["attraction"], expected["attraction"])
