import numpy as np
import pytest

from recenv import World, collect, evaluate
from recenv.envs import RecSysVectorEnv
from recenv.envs.truth import one_step_truth
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


def test_slates_are_refused_by_name(env):
    with pytest.raises(ValueError, match="one item a step; slate_size is 2"):
        one_step_truth(RecSysVectorEnv(2, world=env.world, slate_size=2, horizon=3), Spread(), {})
