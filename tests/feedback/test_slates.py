"""Logs of slates: a row a shown item, and everything that an estimator asks of it."""

import gymnasium as gym
import numpy as np
import pytest

from recenv import LoggedFeedback, World, collect
from recenv.envs import RecSysVectorEnv
from recenv.feedback.rollout import decide, rollout
from recenv.ope.plackett_luce import prefix_probability
from recenv.ope.slate_log import slate_rows, slate_terms
from recenv.protocol import Decision, Request
from recenv.sessions import evaluate_sessions
from tests.feedback.test_rollout import Spread

K = 3


@pytest.fixture(scope="module")
def world():
    return World.synthetic(0, users=80, items=40)


def make(world, **options):
    return RecSysVectorEnv(30, **{"world": world, "slate_size": K, "horizon": 5, **options})


class Positions(Spread):
    """Draws like Spread, and says the probability of each position too (a made-up one: half)."""

    def act(self, request, *, rng, explore=True):
        drawn = decide(Spread(), request, rng)
        extra = {**drawn.extra, "propensity_position": np.full(drawn.items.shape, 0.5)}
        return Decision(drawn.items, drawn.probability, extra)


@pytest.mark.parametrize("candidates", [None, 8])
@pytest.mark.parametrize("reward", ["rating", "click", "satisfaction"])
def test_a_slate_log_holds_what_happened_over_several_steps(world, tmp_path, candidates, reward):
    env = make(world, candidates=candidates, reward=reward)
    log = collect(env, Positions(), rounds=2, seed=5)
    log.save(tmp_path / "log.parquet")
    log = LoggedFeedback.read(tmp_path / "log.parquet")
    assert log.request().slate_size == K
    rows = slate_rows(log)  # refuses slates that lack or repeat a position
    again = make(world, candidates=candidates, reward=reward)
    steps = []
    for r in range(2):
        for step in rollout(again, Positions(), seed=5 + 30 * r):
            steps += [
                (30 * r + i, step.number, step.decision.items[i], step.reward[i]) for i in np.flatnonzero(step.alive)
            ]
    steps.sort(key=lambda step: step[:2])
    assert len(steps) == len(rows) > 100
    assert max(step[1] for step in steps) == 4
    for line, (episode, number, items, total) in zip(rows, steps, strict=True):
        assert (log.episode[line] == episode).all()
        assert (log.step[line] == number).all()
        np.testing.assert_array_equal(log.item[line], items)
        assert log.reward[line].sum() == pytest.approx(total)
    np.testing.assert_array_equal(log.propensity_prefix[rows[:, -1]], log.propensity[rows[:, 0]])
    assert (log.propensity_position == 0.5).all()
    assert slate_terms(log).reward.shape == rows.shape
    assert (log.candidates is None) == (candidates is None)


def test_the_top_rows_request_is_what_the_policy_was_asked(world):
    log = collect(make(world, candidates=8), Spread(), seed=1)
    rows = slate_rows(log)
    request = log.request(rows[:, 0])
    probabilities = Spread().probabilities(request)
    with np.errstate(divide="ignore"):
        scores = np.log(probabilities)
    columns = (request.candidates[:, None, :] == log.item[rows][:, :, None]).argmax(2)
    np.testing.assert_allclose(log.propensity_prefix[rows], prefix_probability(scores, columns), rtol=1e-9)
    assert log.observation["features"].shape[1] == make(world).catalogue.observation_size


def test_a_drawn_slate_comes_up_as_often_as_its_probability_says():
    request = Request(np.zeros((40_000, 1)), np.tile([0, -1, 2, 5], (40_000, 1)), slate_size=2)
    decision = decide(Spread(), request, np.random.default_rng(0))
    slates, first, counts = np.unique(decision.items, axis=0, return_index=True, return_counts=True)
    assert len(slates) == 6
    assert decision.probability[first].sum() == pytest.approx(1.0)
    assert counts / 40_000 == pytest.approx(decision.probability[first], abs=0.012)


def test_where_too_little_is_left_positions_stay_empty(world):
    request = Request(np.zeros((2, 1)), np.array([[4, 7, -1], [1, -1, -1]]), slate_size=3)
    decision = decide(Spread(), request, np.random.default_rng(0))
    assert (decision.items >= 0).sum(1).tolist() == [2, 1]
    assert sorted(decision.items[0]) == [-1, 4, 7]
    assert decision.items[1].tolist() == [1, -1, -1]
    assert decision.probability[1] == 1.0


def test_sessions_of_slates_can_be_compared(world):
    env = gym.make("RecSysSlate-v0", world=world, horizon=4)
    found = evaluate_sessions(Spread(), env, [3, 9, 4])
    assert found.length.max() <= 4
    assert found.reward.max() > 5.0  # more than one rating a step
