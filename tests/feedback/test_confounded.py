import dataclasses

import numpy as np
import pytest

from recenv import LoggedFeedback, World, collect
from recenv.causal import Behaviour
from recenv.envs import RecSysVectorEnv
from recenv.feedback.confounded import ConfoundedPolicy, mood_tilt, odds_ratio, tilted
from tests.feedback.test_rollout import First, Spread


class Uniform:
    """Every allowed item alike."""

    def probabilities(self, request):
        allowed = request.candidates >= 0
        return allowed / allowed.sum(1, keepdims=True)


@pytest.fixture(scope="module")
def world():
    """Two kinds of items, comforting and not, and a mood that decides what is felt."""
    made = World.synthetic(0, users=80, items=40)
    comfort = np.where(np.arange(40) < 20, 1.0, -1.0)
    return dataclasses.replace(
        made, comfort=comfort, behaviour=dataclasses.replace(Behaviour.off(), confounding=3.0, phi=0.9)
    )


@pytest.fixture(scope="module")
def env(world):
    return RecSysVectorEnv(400, world=world, horizon=5, repeat=True, feedback="simulated")


@pytest.fixture(scope="module")
def log(env):
    return collect(env, Uniform(), rounds=4, seed=3, confounding=1.5)


def test_without_confounding_nothing_is_hidden(env):
    log = collect(env, Spread(), seed=3)
    assert log.propensity_oracle is None
    assert log.meta["confounding"] == 0.0
    np.testing.assert_array_equal(log.odds_ratio(), np.ones(len(log)))


def test_a_vanishing_mood_term_changes_no_decision(env):
    plain, tiny = collect(env, Spread(), seed=3), collect(env, Spread(), seed=3, confounding=1e-12)
    np.testing.assert_array_equal(plain.item, tiny.item)
    np.testing.assert_array_equal(plain.reward, tiny.reward)
    np.testing.assert_array_equal(plain.propensity, tiny.propensity)
    np.testing.assert_allclose(tiny.propensity_oracle, plain.propensity, rtol=1e-11)


def test_the_logged_propensity_is_nominal_and_the_acting_one_apart(log):
    np.testing.assert_array_equal(log.propensity, 1 / 40)
    assert log.propensity_oracle.min() < 0.012
    assert log.propensity_oracle.max() > 0.04


def test_the_acting_probability_is_the_softmax_with_the_mood_term():
    mood, comfort = np.array([-0.7, 2.0]), np.array([0.5, -1.0, 0.25])
    candidates = np.array([[0, 1, 2], [2, -1, 0]])
    nominal = np.array([[0.2, 0.5, 0.3], [0.6, 0.0, 0.4]])
    found = tilted(nominal, mood_tilt(mood, comfort, candidates, 2.0))
    first = nominal[0] * np.exp(2.0 * np.tanh(-0.7) * comfort)
    second = np.array([0.6 * np.exp(2.0 * np.tanh(2.0) * 0.25), 0.0, 0.4 * np.exp(2.0 * np.tanh(2.0) * 0.5)])
    np.testing.assert_allclose(found, [first / first.sum(), second / second.sum()], rtol=1e-12)


def test_shown_items_follow_the_acting_probability_not_the_nominal_one(env, world):
    """With mood held, the share of comforting items is the tilted one: e^t / (e^t + e^-t)."""
    held = RecSysVectorEnv(2000, world=world.do(mood=0.8), horizon=1, feedback="simulated")
    shown = collect(held, Uniform(), seed=1, confounding=1.0).item
    t = np.tanh(0.8)
    share = np.exp(t) / (np.exp(t) + np.exp(-t))
    assert np.mean(shown < 20) == pytest.approx(share, abs=4 * np.sqrt(share * (1 - share) / 2000))


def test_the_odds_ratio_is_that_of_the_two_probabilities_and_bounded(log):
    p, q = log.propensity_oracle, log.propensity
    np.testing.assert_allclose(log.odds_ratio(), (p / (1 - p)) / (q / (1 - q)))
    assert np.exp(-3.0) < log.odds_ratio().min() < 0.4 < 1.8 < log.odds_ratio().max() < np.exp(3.0)


def test_a_certain_decision_has_odds_ratio_one():
    np.testing.assert_allclose(odds_ratio(np.array([1.0, 0.5]), np.array([1.0, 0.25])), [1.0, 3.0])


def test_the_mood_confounds_what_is_shown_with_what_is_felt(log, env, world):
    """Weighting by the nominal propensity misses the value of a target, by the acting one it does not."""
    target = 2.0 * (log.item < 20) / 40  # shows comforting items only
    truth = _one_step_truth(env, world, log)
    for propensity, unbiased in ((log.propensity, False), (log.propensity_oracle, True)):
        session = np.bincount(log.episode, target / propensity * (log.reward - 3.0), log.episodes)
        gap = session.mean() - truth
        error = session.std(ddof=1) / np.sqrt(log.episodes)
        assert (abs(gap) < 4 * error) == unbiased, (gap, error)


def _one_step_truth(env, world, log):
    """Sum over the session's five steps of the target's expected (rating - 3): its mood is N(0, 1) at every step."""
    mood = np.random.default_rng(0).normal(size=4000)
    users = np.random.default_rng(1).integers(world.n_users, size=4000)
    items = np.random.default_rng(2).integers(20, size=4000)
    mean = world.base_utility(users, items) + 3.0 * np.tanh(mood)
    above = 1 / (1 + np.exp(world.thresholds[None, :] - mean[:, None]))
    return 5 * (1 + above.sum(1) - 3.0).mean()


def test_a_confounded_log_survives_the_disk(log, tmp_path):
    log.save(tmp_path / "log.parquet")
    back = LoggedFeedback.read(tmp_path / "log.parquet")
    np.testing.assert_array_equal(back.propensity_oracle, log.propensity_oracle)
    assert back.meta["confounding"] == 1.5
    np.testing.assert_array_equal(log.subset(log.step == 0).propensity_oracle, log.propensity_oracle[log.step == 0])


def test_estimators_do_not_read_the_oracle(log):
    from recenv.ope import evaluate

    def value(feedback):
        found = evaluate(feedback, {"spread": Spread()}, estimators=["ips", "snips"], seed=0)
        return found.table.to_csv()

    assert value(log) == value(dataclasses.replace(log, propensity_oracle=None))


def test_an_oracle_propensity_that_is_no_probability_is_refused(log):
    wrong = log.propensity_oracle.copy()
    wrong[7] = 1.2
    with pytest.raises(ValueError, match=r"propensity_oracle must be in \(0, 1\].*7"):
        dataclasses.replace(log, propensity_oracle=wrong)


def test_what_cannot_be_tilted_is_refused(env):
    with pytest.raises(TypeError, match="First has no probabilities"):
        collect(env, First(), confounding=1.0)
    with pytest.raises(ValueError, match="confounding must be a finite number, got nan"):
        ConfoundedPolicy(Uniform(), env, float("nan"))
    with pytest.raises(ValueError, match="explore=True"):
        collect(env, Uniform(), confounding=1.0, explore=False)
