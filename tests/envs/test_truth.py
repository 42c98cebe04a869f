import numpy as np
import pytest

from recenv import World, collect, evaluate
from recenv.envs import RecSysVectorEnv
from recenv.envs.truth import one_step_truth
from recenv.protocol import Decision
from tests.feedback.test_rollout import First, Spread


@pytest.fixture(
    scope="module",
    params=[{}, {"candidates": 8}, {"candidates": 2, "feedback": "logged"}],
    ids=["catalogue", "candidates", "logged"],
)
def env(request):
    return RecSysVectorEnv(200, world=World.synthetic(0, users=200, items=40), horizon=3, **request.param)


def test_the_loggers_own_truth_is_what_its_logs_earn(env):
    truth = one_step_truth(env, Spread(), {"own": Spread()}, rounds=4, seed=10_000)["own"]
    log = collect(env, Spread(), rounds=10, seed=0)
    spread = log.reward.std() / np.sqrt(log.episodes)
    assert abs(truth.value - log.reward.mean()) < 4 * np.hypot(spread, truth.std_error)


def test_the_truth_of_a_deterministic_policy_is_its_potential_rewards(env):
    truth = one_step_truth(env, First(), {"same": _Always()}, rounds=1, seed=3)["same"]
    log = collect(env, First(), rounds=1, seed=3)
    assert truth.value == pytest.approx(log.reward.mean(), rel=1e-12)


class _Always:
    def probabilities(self, request):
        place = (request.candidates >= 0).argmax(1)
        return np.eye(request.candidates.shape[1])[place]


class _Reversed:
    def probabilities(self, request):
        weight = np.where(request.candidates >= 0, 40.0 - request.candidates, 0.0)
        return weight / weight.sum(1, keepdims=True)


def test_ips_and_dr_find_the_truth_of_another_policy(env):
    targets = {"reversed": _Reversed()}
    truth = one_step_truth(env, Spread(), targets, rounds=5, seed=10_000)["reversed"]
    comparison = evaluate(collect(env, Spread(), rounds=20, seed=0), targets, progress=False)
    for name in ("ips", "snips", "dr"):
        row = comparison.row("reversed", name)
        error = np.hypot(row["std_error"], truth.std_error)
        assert abs(row["value"] - truth.value) < 4 * error
        assert error < 0.1


@pytest.fixture(
    scope="module",
    params=[{"reward": "click"}, {"reward": "rating", "candidates": 8}, {"reward": "satisfaction"}],
    ids=["click", "candidates", "satisfaction"],
)
def slates(request):
    world = World.synthetic(0, users=200, items=12)
    return RecSysVectorEnv(200, world=world, slate_size=2, horizon=3, **request.param)


class Lowest:
    """Shows the lowest items that may be shown, in order."""

    def act(self, request, *, rng, explore=True):
        order = np.sort(np.where(request.candidates >= 0, request.candidates, 99), axis=1)
        return Decision(order[:, : request.slate_size], np.ones(len(order)))


def test_the_loggers_own_truth_of_slates_is_what_its_logs_earn(slates):
    truth = one_step_truth(slates, Spread(), {"own": Spread()}, rounds=4, seed=10_000)["own"]
    log = collect(slates, Spread(), rounds=10, seed=0)
    per_slate = log.reward.reshape(-1, 2).sum(1)
    spread = per_slate.std() / np.sqrt(log.episodes)
    assert abs(truth.value - per_slate.mean()) < 4 * np.hypot(spread, truth.std_error)


def test_the_truth_of_a_deterministic_slate_is_that_of_its_own_log(slates):
    truth = one_step_truth(slates, Lowest(), {"same": Lowest()}, rounds=1, seed=3)["same"]
    log = collect(slates, Lowest(), rounds=1, seed=3)
    assert truth.value == pytest.approx(2 * log.reward.mean(), rel=1e-12)


def test_slate_estimators_find_the_truth_of_another_policy(slates):
    targets = {"reversed": _Reversed()}
    truth = one_step_truth(slates, Spread(), targets, rounds=5, seed=10_000)["reversed"]
    log = collect(slates, Spread(), rounds=20, seed=0)
    comparison = evaluate(log, targets, estimators=("sips", "snsips", "rips", "cascade_dr"), progress=False)
    names = ("sips", "snsips") if slates.config.reward == "satisfaction" else ("sips", "snsips", "rips", "cascade_dr")
    for name in names:  # the reward of the whole slate stands at the first position: no cascade
        row = comparison.row("reversed", name)
        error = np.hypot(row["std_error"], truth.std_error)
        assert abs(row["value"] - truth.value) < 4 * error
        assert error < 0.1 * abs(truth.value)
    assert truth.std_error < comparison.row("reversed", "sips")["std_error"]


def test_a_truth_of_slates_does_not_depend_on_what_else_is_asked_or_move_the_sessions(slates):
    alone = one_step_truth(slates, Spread(), {"a": _Reversed()}, seed=5)["a"]
    both = one_step_truth(slates, Spread(), {"b": Lowest(), "a": _Reversed(), "c": _Reversed()}, seed=5)
    assert both["a"] == both["c"] == alone
    assert both["b"] != alone


def test_more_draws_of_slates_make_the_truth_surer(slates):
    few, many = (one_step_truth(slates, Spread(), {"a": Spread()}, seed=5, draws=draws)["a"] for draws in (1, 16))
    assert many.std_error < few.std_error
    assert abs(many.value - few.value) < 4 * few.std_error


def test_no_draw_is_refused(slates):
    with pytest.raises(ValueError, match="draws must be at least 1, not 0"):
        one_step_truth(slates, Spread(), {}, draws=0)
