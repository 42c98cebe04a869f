"""Policies of libraries that live in environments of their own, by what is known of them."""

import os

import numpy as np
import pytest

from recenv.agents import UniformAgent
from recenv.agents.adapters import D3rlpyAgent, OBPLearnerAgent, OBPPolicyAgent
from recenv.agents.adapters.d3rlpy import training_rows
from recenv.causal import World
from recenv.envs import RecSysVectorEnv
from recenv.feedback import LoggedFeedback, collect
from recenv.testing import check_agent


class OnlinePolicy:
    """Has the methods of an online policy of the Open Bandit Pipeline."""

    def __init__(self, n_actions, len_list):
        self.n_actions, self.len_list, self.total = n_actions, len_list, np.zeros(n_actions)
        self.random_ = np.random.RandomState(0)

    def select_action(self, context):
        assert context.shape[0] == 1
        return np.argsort(self.total + self.random_.uniform(size=self.n_actions))[::-1][: self.len_list]

    def update_params(self, action, reward, context):
        self.total[action] += reward


class Learner:
    """Has what a fitted offline learner has."""

    def __init__(self, n_actions):
        self.n_actions = n_actions

    def predict_proba(self, context):
        weight = np.exp(context[:, :1] * np.linspace(-1, 1, self.n_actions))
        return (weight / weight.sum(axis=1, keepdims=True))[:, :, None]


@pytest.fixture(scope="module")
def env():
    world = World.synthetic(3, users=60, items=16, dims=4, topics=3).held_out()
    return RecSysVectorEnv(6, world=world, horizon=5, reward="like")


def test_policies_known_by_their_methods_keep_the_contract(env):
    check_agent(OBPPolicyAgent(env.catalogue, policy=OnlinePolicy(16, 16)), env)
    check_agent(OBPLearnerAgent(env.catalogue, learner=Learner(16)), env)


def test_a_policy_that_ranks_too_few_is_refused(env):
    request = env.request(env.reset(seed=0)[0])
    request.candidates[:, :8] = -1
    agent = OBPPolicyAgent(env.catalogue, policy=OnlinePolicy(16, 1))
    with pytest.raises(ValueError, match="make it with len_list=16"):
        agent.act(request, rng=np.random.default_rng(0))
    with pytest.raises(ValueError, match="policy has 3 actions, the catalogue 16 items"):
        OBPPolicyAgent(env.catalogue, policy=OnlinePolicy(3, 3))


def test_rows_for_d3rlpy_end_where_sessions_do(env):
    log = collect(env, UniformAgent(env.catalogue), rounds=1, seed=0)
    rows = training_rows(log, env.catalogue)
    last = np.append(np.diff(log.episode) != 0, True)
    assert ((rows["terminated"] + rows["cut"]) == last).all()
    assert rows["terminated"].tolist() == log.terminated.tolist()
    assert rows["observation"].shape == (log.rows, env.catalogue.observation_size)


def test_slates_are_refused(env):
    n = np.arange(2)
    columns = dict.fromkeys(("episode", "step", "user"), n * 0) | {"position": n, "item": n, "reward": n * 1.0}
    flags = {"propensity": np.full(2, 0.5), "terminated": n == 2, "truncated": n == 2}
    with pytest.raises(ValueError, match="log shows slates"):
        training_rows(LoggedFeedback(**columns, **flags), env.catalogue)


def test_without_an_interpreter_d3rlpy_says_how_to_get_one(env, monkeypatch):
    monkeypatch.delenv("D3RLPY_PYTHON", raising=False)
    log = collect(env, UniformAgent(env.catalogue), rounds=1, seed=0)
    with pytest.raises(FileNotFoundError, match="set D3RLPY_PYTHON"):
        D3rlpyAgent(env.catalogue).fit(log)


def test_q_networks_are_layers_with_relu_between(catalogue, request_of_two):
    agent = D3rlpyAgent(catalogue)
    rng = np.random.default_rng(0)
    shapes = {"0.weight": (3, 4), "0.bias": (3,), "1.weight": (5, 3), "1.bias": (5,)}
    agent.networks = {f"{q}.{name}": rng.normal(size=shape) for q in (0, 1) for name, shape in shapes.items()}
    one = [
        np.maximum(request_of_two.observation @ agent.networks[f"{q}.0.weight"].T + agent.networks[f"{q}.0.bias"], 0)
        @ agent.networks[f"{q}.1.weight"].T
        + agent.networks[f"{q}.1.bias"]
        for q in (0, 1)
    ]
    scores = agent.scores(request_of_two)
    assert scores[0] == pytest.approx((one[0][0, :4] + one[1][0, :4]) / 2)
    assert scores[1, 1] == pytest.approx((one[0][1, 4] + one[1][1, 4]) / 2)


@pytest.mark.skipif(not os.environ.get("D3RLPY_PYTHON"), reason="d3rlpy has an environment of its own: D3RLPY_PYTHON")
def test_d3rlpy_trains_there_and_decides_here(env):
    log = collect(env, UniformAgent(env.catalogue), rounds=10, seed=0)
    agent = D3rlpyAgent(env.catalogue, steps=50, options={"batch_size": 32}, epsilon=0.1)
    agent.fit(log)
    assert agent.networks["0.2.weight"].shape == (16, 256)
    check_agent(agent, env)
