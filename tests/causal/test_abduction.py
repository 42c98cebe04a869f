import dataclasses
import math

import numpy as np
import pytest
from scipy import stats

from recenv.causal import Behaviour
from recenv.causal.abduction import abduct, abduct_one, randomised_pit, truncated_logistic, world_key
from recenv.causal.equations.rating import rating_level
from recenv.envs import RecSysVectorEnv

U = [1e-12, 0.02, 0.3, 0.5, 0.77, 0.999, 1 - 1e-12]


def with_ratings(world, noise, **changes):
    """The world with its pairs rated by the given noise, which abduction does not know."""
    pairs = world.pairs
    base = np.einsum("nd,nd->n", world.taste[pairs.user], world.embedding[pairs.item])
    x = base + world.user_bias[pairs.user] + world.item_bias[pairs.item] + noise
    level = (1 + (x[:, None] > world.thresholds).sum(1)).astype(np.int8)
    unknown = dataclasses.replace(pairs, level=level, noise=np.full(len(pairs), np.nan))
    return dataclasses.replace(world, pairs=unknown, **changes)


def replayed_levels(world):
    """Levels (U, n) given when each user is shown their logged items in the logged order, and those logged."""
    histories = [world.pairs.history(user) for user in range(world.n_users)]
    length = min(len(history) for history in histories)
    env = RecSysVectorEnv(world.n_users, world=world, horizon=length, autoreset_mode="Disabled")
    env.reset(seed=1, options={"users": np.arange(world.n_users)})
    given = np.zeros((world.n_users, length), int)
    for t in range(length):
        env.step(np.array([history.item[t] for history in histories]))
        given[:, t] = env.outcome["level"][:, 0]
    return given, np.array([history.level[:length] for history in histories])


@pytest.mark.parametrize(
    ("low", "high"),
    [(-1.0, 1.0), (0.5, 0.6), (-math.inf, 0.3), (-0.2, math.inf), (-math.inf, -3.0), (4.0, math.inf), (-6.0, -5.0)],
)
def test_the_truncated_logistic_is_its_quantile_function(low, high):
    a, b = stats.logistic.cdf([low, high])
    expected = stats.logistic.ppf(a + np.array(U) * (b - a))
    np.testing.assert_allclose([truncated_logistic(u, low, high) for u in U], expected, rtol=1e-5, atol=1e-9)


@pytest.mark.parametrize(
    ("low", "high"),
    [(30.0, 30.5), (-30.5, -30.0), (-math.inf, -30.0), (30.0, math.inf), (36.0, 45.0), (-45.0, -36.0), (2.0, 40.0)],
)
def test_the_truncated_logistic_stays_in_its_interval_far_into_the_tails(low, high):
    drawn = np.array([truncated_logistic(u, low, high) for u in U])
    assert np.all((drawn >= low) & (drawn <= high))
    assert np.all(np.diff(drawn) > 0)


@pytest.mark.parametrize("low", [30.0, -31.0])
def test_the_tail_keeps_its_shape_30_units_out(low):
    """Beyond 30 the density is exponential: within one unit, the share below the middle is sigmoid-free algebra."""
    middle = truncated_logistic(0.5, low, low + 1.0)
    share = math.log((1 + math.exp(-1)) / 2)  # -log of the mean of the two ends' survival
    assert middle == pytest.approx(30.0 - share if low > 0 else -30.0 + share, abs=1e-6)


@pytest.mark.parametrize("mean", [-800.0, -45.0, -30.0, -1.0, 0.0, 2.0, 30.0, 45.0, 800.0])
@pytest.mark.parametrize("level", [1, 2, 3, 4])
def test_abducted_noise_returns_the_level_wherever_the_mean_lies(mean, level):
    tau = np.array([-1.0, -0.9999999, 2.0])
    for u in U:
        e = abduct_one(u, level, mean, tau)
        assert math.isfinite(e)
        assert rating_level(mean + e, tau) == level


def test_replay_returns_the_logged_rating_of_every_pair(world):
    abducted = abduct(with_ratings(world, 4.0 * np.random.default_rng(0).logistic(size=len(world.pairs))))
    quiet = dataclasses.replace(abducted, behaviour=Behaviour.off())
    given, logged = replayed_levels(quiet)
    np.testing.assert_array_equal(given, logged)
    assert set(np.unique(logged)) == {1, 2, 3, 4, 5}


def test_noise_abducted_under_the_true_model_is_logistic(world):
    noise = np.random.default_rng(1).logistic(size=len(world.pairs))
    abducted = abduct(with_ratings(world, noise)).pairs.noise
    assert stats.kstest(abducted, "logistic").pvalue > 0.01
    assert np.corrcoef(abducted, noise)[0, 1] > 0.6  # the interval tells most of it


def test_noise_abducted_under_a_wrong_model_is_not(world):
    noise = np.random.default_rng(1).logistic(size=len(world.pairs))
    wrong = dataclasses.replace(with_ratings(world, noise), thresholds=world.thresholds + 1.0)
    assert stats.kstest(abduct(wrong).pairs.noise, "logistic").pvalue < 1e-6


MOVING = Behaviour(leaving=0.0, boredom=4.0, drift=0.3, adapt=0.4, confounding=2.0, rho=0.5)


def test_an_ordered_log_replays_along_its_trajectory_with_mechanisms_on(world):
    noise = np.random.default_rng(2).logistic(size=len(world.pairs))
    moving = abduct(with_ratings(world, noise, behaviour=MOVING), ordered=True)
    given, logged = replayed_levels(moving.do(mood=0))
    np.testing.assert_array_equal(given, logged)


def test_abduction_at_baseline_does_not_replay_once_mechanisms_move(world):
    noise = np.random.default_rng(2).logistic(size=len(world.pairs))
    baseline = abduct(with_ratings(world, noise, behaviour=MOVING))
    given, logged = replayed_levels(baseline.do(mood=0))
    np.testing.assert_array_equal(given[:, 0], logged[:, 0])
    assert np.mean(given[:, 1:] == logged[:, 1:]) < 0.9


def test_the_seed_decides_the_noise_within_the_interval(world):
    rated = with_ratings(world, np.random.default_rng(3).logistic(size=len(world.pairs)))
    again = abduct(rated).pairs.noise
    np.testing.assert_array_equal(abduct(rated).pairs.noise, again)
    assert np.mean(abduct(dataclasses.replace(rated, seed=99)).pairs.noise != again) > 0.99


def test_the_world_key_is_the_two_words_of_the_seed():
    assert world_key(2**32 * 5 + 7) == (7, 5)


@pytest.mark.parametrize("seed", [-1, 2**64])
def test_a_seed_that_is_no_64_bit_word_is_refused(seed):
    with pytest.raises(ValueError, match=f"world seed must be in .* got {seed}"):
        world_key(seed)


def test_the_randomised_pit_by_hand():
    level, mean, tau = np.array([1, 2, 3]), np.zeros(3), np.array([-1.0, 1.0])
    found = randomised_pit(level, mean, tau, np.array([0.5, 0.5, 1.0]))
    np.testing.assert_allclose(found, [0.13447071068499756, 0.5, 1.0])


def test_the_randomised_pit_is_uniform_under_the_true_model():
    rng = np.random.default_rng(4)
    mean, tau = rng.normal(size=5000), np.array([-1.0, 0.2, 1.0])
    level = 1 + (mean[:, None] + rng.logistic(size=(5000, 1)) > tau).sum(1)
    assert stats.kstest(randomised_pit(level, mean, tau, rng.random(5000)), "uniform").pvalue > 0.01
    assert stats.kstest(randomised_pit(level, mean + 0.5, tau, rng.random(5000)), "uniform").pvalue < 1e-6
