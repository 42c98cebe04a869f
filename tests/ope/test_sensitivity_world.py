"""Sensitivity bounds on worlds whose mood confounds by a known strength."""

import dataclasses
from functools import cache

import numpy as np
import pytest

from recenv import World, collect
from recenv.causal import Behaviour
from recenv.envs import RecSysVectorEnv
from recenv.envs.truth import one_step_truth
from recenv.ope import BanditTerms
from recenv.ope.sensitivity import difference_sensitivity, value_sensitivity

ITEMS, SLOTS = 40, 400
COMFORTING = np.arange(ITEMS) < ITEMS // 2


class Share:
    """Comforting items with this share, all alike within their kind."""

    def __init__(self, comforting):
        self.table = np.where(COMFORTING, comforting, 1 - comforting) / (ITEMS // 2)

    def probabilities(self, request):
        return self.table[request.candidates]


LOGGING, COMFORT, HARDSHIP = Share(0.5), Share(0.9), Share(0.1)


@pytest.fixture(scope="module")
def env():
    """The mood of one step says nothing of the next, so that steps are as good as independent."""
    made = World.synthetic(0, users=80, items=ITEMS)
    behaviour = dataclasses.replace(Behaviour.off(), confounding=3.0, phi=0.0)
    world = dataclasses.replace(made, comfort=np.where(COMFORTING, 1.0, -1.0), behaviour=behaviour)
    return RecSysVectorEnv(SLOTS, world=world, horizon=5, repeat=True, feedback="simulated")


@pytest.fixture(scope="module")
def truth(env):
    """The mood comes from outside, so that it is the same under every logger."""
    targets = {"comfort": COMFORT, "hardship": HARDSHIP}
    return one_step_truth(env, LOGGING, targets, rounds=5, seed=10_000)


@pytest.fixture(scope="module")
def confounded(env):
    """The logs by strength of confounding."""

    @cache
    def make(strength):
        return collect(env, LOGGING, rounds=5, seed=3, confounding=strength)

    return make


def terms(log, policy):
    return BanditTerms(log.reward, log.propensity, policy.table[log.item], cluster=log.user)


def largest_odds_ratio(log):
    ratio = log.odds_ratio()
    return float(np.maximum(ratio, 1 / ratio).max())


def reaches(bounds, truth):
    """Whether the interval holds the truth, itself known up to its error."""
    slack = 3 * truth.std_error
    return bounds.lower - slack <= truth.value <= bounds.upper + slack


@pytest.mark.parametrize("strength", [0.5, 1.0, 1.5])
def test_bounds_at_the_true_odds_ratio_hold_the_truth(confounded, truth, strength):
    log = confounded(strength)
    for name, policy in (("comfort", COMFORT), ("hardship", HARDSHIP)):
        (found,) = value_sensitivity(terms(log, policy), strengths=(largest_odds_ratio(log),)).curve
        assert found.low <= truth[name].value <= found.high


@pytest.mark.parametrize("strength", [1.0, 1.5])
def test_ignoring_strong_confounding_misses_the_truth(confounded, truth, strength):
    log = confounded(strength)
    for name, policy in (("comfort", COMFORT), ("hardship", HARDSHIP)):
        (naive,) = value_sensitivity(terms(log, policy), strengths=(1.0,)).curve
        assert not reaches(naive, truth[name])
        assert naive.lower > truth[name].value  # the mood shows people what they will like


def test_without_confounding_the_interval_holds_the_truth_at_strength_one(confounded, truth):
    log = confounded(0.0)
    assert largest_odds_ratio(log) == 1.0
    for name, policy in (("comfort", COMFORT), ("hardship", HARDSHIP)):
        (found,) = value_sensitivity(terms(log, policy), strengths=(1.0,)).curve
        assert reaches(found, truth[name])


def test_the_strength_that_is_needed_grows_with_the_confounding_and_is_at_most_the_true_one(confounded, truth):
    """The least strength whose bounds reach the truth: a lower bound of what was really at work."""
    needed = []
    for strength in (0.5, 1.0, 1.5):
        log = confounded(strength)
        grid = tuple(np.geomspace(1.0, largest_odds_ratio(log), 12))
        curve = value_sensitivity(terms(log, COMFORT), strengths=grid).curve
        needed.append(next(row.strength for row in curve if row.low <= truth["comfort"].value <= row.high))
    assert needed == sorted(needed)
    assert 1.0 < needed[0] < needed[-1]


def test_differences_meet_the_same_mood(confounded, truth):
    """The difference's bounds hold the true difference and are no wider than those of the two values apart."""
    log = confounded(1.0)
    strength = largest_odds_ratio(log)
    mine, other = terms(log, COMFORT), terms(log, HARDSHIP)
    (gap,) = difference_sensitivity(mine, other, strengths=(strength,)).curve
    assert gap.low <= truth["comfort"].value - truth["hardship"].value <= gap.high
    (left,), (right,) = (value_sensitivity(one, strengths=(strength,)).curve for one in (mine, other))
    assert gap.high - gap.low <= (left.high - right.low) - (left.low - right.high) + 1e-9
