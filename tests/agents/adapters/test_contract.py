"""Every adapter keeps the contract, learns, and refuses what it cannot do."""

import numpy as np
import pytest

from recenv.agents import EpsilonGreedy, UniformAgent
from recenv.agents.adapters import (
    FunctionPolicy,
    MABWiserAgent,
    MABWiserSamplingAgent,
    PolicyAgent,
    SB3Agent,
    SklearnAgent,
    VowpalWabbitAgent,
)
from recenv.agents.adapters.sklearn import class_shares
from recenv.causal import World
from recenv.envs import RecSysVectorEnv
from recenv.testing import check_agent
from recenv.training import evaluate_sessions, train


@pytest.fixture(scope="module")
def small():
    return World.synthetic(3, users=60, items=16, dims=4, topics=3)


@pytest.fixture
def few(small):
    return RecSysVectorEnv(6, world=small, horizon=5, reward="like")


def vowpal_wabbit(catalogue, **options):
    pytest.importorskip("vowpalwabbit")
    return VowpalWabbitAgent(catalogue, **options)


def mabwiser(catalogue, policy, **parameters):
    pytest.importorskip("mabwiser")
    kind = MABWiserSamplingAgent if policy in ("LinTS", "ThompsonSampling") else MABWiserAgent
    return kind(catalogue, learning_policy=policy, parameters=parameters)


def sklearn(catalogue, kind, **parameters):
    from sklearn import ensemble, linear_model

    estimator = getattr(linear_model, kind, None) or getattr(ensemble, kind)
    return SklearnAgent(catalogue, model=estimator(**parameters))


def sb3(catalogue, small, algorithm, **parameters):
    import stable_baselines3

    from recenv.sb3 import RecSysVecEnv

    library = stable_baselines3
    if not hasattr(library, algorithm):
        library = pytest.importorskip("sb3_contrib")
    sessions = RecSysVecEnv(4, world=small, horizon=5, reward="like")
    agent = SB3Agent(catalogue, model=getattr(library, algorithm)("MlpPolicy", sessions, seed=0, **parameters))
    agent.learn(RecSysVectorEnv(4, sessions.config), 120, rng=np.random.default_rng(0))
    return agent


ROLLOUT, REPLAY = {"n_steps": 8, "batch_size": 16}, {"learning_starts": 40, "buffer_size": 100, "batch_size": 16}
MAKERS = {
    "function of scores": lambda c, w: FunctionPolicy(lambda r: 1.0 * r.candidates, exploration=EpsilonGreedy(0.3)),
    "function of items": lambda c, w: FunctionPolicy(lambda r: r.candidates.max(axis=1)),
    "policy": lambda c, w: PolicyAgent(UniformAgent(c)),
    "sklearn fit": lambda c, w: sklearn(c, "Ridge"),
    "sklearn fit, random": lambda c, w: sklearn(c, "RandomForestRegressor", n_estimators=5),
    "sklearn partial_fit": lambda c, w: sklearn(c, "SGDClassifier", loss="log_loss"),
    "sklearn partial_fit, margins": lambda c, w: sklearn(c, "SGDClassifier", loss="hinge"),
    "sklearn fit, margins": lambda c, w: sklearn(c, "RidgeClassifier"),
    "vowpal_wabbit squarecb": lambda c, w: vowpal_wabbit(c),
    "vowpal_wabbit epsilon": lambda c, w: vowpal_wabbit(c, arguments="--cb_explore_adf --epsilon 0.1 -q ui"),
    "mabwiser LinUCB": lambda c, w: mabwiser(c, "LinUCB", alpha=0.5),
    "mabwiser LinGreedy": lambda c, w: mabwiser(c, "LinGreedy", epsilon=0.2),
    "mabwiser UCB1": lambda c, w: mabwiser(c, "UCB1"),
    "mabwiser EpsilonGreedy": lambda c, w: mabwiser(c, "EpsilonGreedy", epsilon=0.2),
    "mabwiser LinTS": lambda c, w: mabwiser(c, "LinTS"),
    "mabwiser ThompsonSampling": lambda c, w: mabwiser(c, "ThompsonSampling"),
    "sb3 PPO": lambda c, w: sb3(c, w, "PPO", **ROLLOUT, policy_kwargs={"net_arch": [16]}),
    "sb3 A2C": lambda c, w: sb3(c, w, "A2C"),
    "sb3 DQN": lambda c, w: sb3(c, w, "DQN", **REPLAY),
    "sb3 QRDQN": lambda c, w: sb3(c, w, "QRDQN", **REPLAY),
    "sb3 MaskablePPO": lambda c, w: sb3(c, w, "MaskablePPO", **ROLLOUT),
}


@pytest.mark.parametrize("make", MAKERS.values(), ids=MAKERS)
def test_it_keeps_the_contract(make, few, small):
    check_agent(make(few.catalogue, small), few)


@pytest.mark.parametrize("name", ["function of scores", "sklearn fit", "mabwiser LinUCB"])
def test_it_keeps_the_contract_with_slates(name, small):
    env = RecSysVectorEnv(6, world=small, horizon=4, slate_size=3, reward="like")
    check_agent(MAKERS[name](env.catalogue, small), env)


class Told:
    """A fitted classifier of the classes 1, 2 and 4, as far as it is told to have methods."""

    classes_ = np.array([1.0, 2.0, 4.0])

    def __init__(self, **methods):
        for name, answer in methods.items():
            setattr(self, name, lambda pairs, answer=answer: np.array(answer))


def test_a_classifier_ranks_by_chances_else_by_margins_else_by_its_class():
    pairs = np.zeros((2, 1))
    chance = [[0.5, 0.5, 0.0], [0.0, 0.0, 1.0]]
    told = Told(predict_proba=chance, decision_function=[[9.0, 0, 0]] * 2)
    np.testing.assert_array_equal(class_shares(told, pairs), chance)
    margins = class_shares(Told(decision_function=[[0.0, np.log(3.0), -np.inf], [1.0, 1.0, 1.0]]), pairs)
    np.testing.assert_allclose(margins, [[0.25, 0.75, 0.0], [1 / 3] * 3])
    np.testing.assert_allclose(
        class_shares(Told(decision_function=[0.0, np.log(4.0)]), pairs), [[0.5, 0.5], [0.2, 0.8]]
    )
    np.testing.assert_array_equal(class_shares(Told(predict=[4.0, 1.0]), pairs), [[0, 0, 1], [1, 0, 0]])


@pytest.mark.parametrize("name", ["sklearn fit", "sklearn fit, margins", "vowpal_wabbit squarecb", "mabwiser LinUCB"])
def test_it_learns(name, small):
    env = RecSysVectorEnv(30, world=small, horizon=5, reward="like")
    agent = MAKERS[name](env.catalogue, small)
    train(agent, env, 3_000, rng=np.random.default_rng(0))
    agent_reward = evaluate_sessions(agent, env, seed=1, rounds=4).reward
    gain = agent_reward - evaluate_sessions(UniformAgent(env.catalogue), env, seed=1, rounds=4).reward
    assert gain.mean() > 3 * gain.std() / np.sqrt(len(gain))


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda c: FunctionPolicy(3), "function must be callable"),
        (lambda c: PolicyAgent(3), "int has not"),
        (lambda c: VowpalWabbitAgent(c, arguments="--oaa 3"), "must hold --cb_explore_adf"),
        (lambda c: MABWiserAgent(c, learning_policy="LinTS"), "MABWiserSamplingAgent has LinTS"),
        (lambda c: SB3Agent(c, model="os:PPO"), "'os:PPO' is no algorithm"),
    ],
)
def test_what_cannot_work_is_refused(make, words, few):
    with pytest.raises((ValueError, TypeError), match=words):
        make(few.catalogue)
