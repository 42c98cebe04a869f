import numpy as np
import pytest

from recenv.agents import UniformAgent, make_agent
from recenv.envs import RecSysVectorEnv
from recenv.protocol import Decision
from recenv.testing.agents import check_agent

LEARNERS = {"epsilon_greedy": {"learning_starts": 20}, "softmax": {"learning_starts": 20}, "dqn": {}}


@pytest.fixture
def few(world):
    return RecSysVectorEnv(8, world=world, horizon=6)


@pytest.mark.parametrize("name", ["uniform", "popularity", "epsilon_greedy", "softmax", "dqn"])
@pytest.mark.parametrize(("slate_size", "observation"), [(1, "features"), (1, "history"), (3, "features")])
def test_the_built_in_agents_pass(world, name, slate_size, observation):
    env = RecSysVectorEnv(8, world=world, horizon=6, slate_size=slate_size, observation=observation)
    check_agent(make_agent(name, env.catalogue, **LEARNERS.get(name, {})), env)


def test_an_agent_passes_after_training_too(few):
    agent = make_agent("dqn", few.catalogue, learning_starts=32, batch_size=32)
    agent.learn(few, 400, rng=np.random.default_rng(0))
    check_agent(agent, few)


class TooManyItems(UniformAgent):
    def act(self, request, *, rng, explore=True):
        decision = super().act(request, rng=rng)
        return Decision(np.hstack([decision.items, decision.items]), decision.probability)


class ItemsAsFloats(UniformAgent):
    def act(self, request, *, rng, explore=True):
        decision = super().act(request, rng=rng)
        return Decision(decision.items.astype(float), decision.probability)


class BareItems(UniformAgent):
    def act(self, request, *, rng, explore=True):
        return super().act(request, rng=rng).items


class OneProbabilityForAll(UniformAgent):
    def act(self, request, *, rng, explore=True):
        decision = super().act(request, rng=rng)
        return Decision(decision.items, decision.probability[:1])


class ScoreForProbability(UniformAgent):
    def act(self, request, *, rng, explore=True):
        decision = super().act(request, rng=rng)
        return Decision(decision.items, np.full(len(decision.items), 1.7))


class ShownAgain(UniformAgent):
    def act(self, request, *, rng, explore=True):
        columns = np.zeros(len(request.candidates), np.int64)
        return Decision(columns[:, None], np.ones(len(columns)))

    def probabilities(self, request):
        return np.eye(1, request.candidates.shape[1]).repeat(len(request.candidates), axis=0)


class OutOfRange(UniformAgent):
    def act(self, request, *, rng, explore=True):
        decision = super().act(request, rng=rng)
        return Decision(decision.items + 1000, decision.probability)


class RepeatsInSlate(UniformAgent):
    def act(self, request, *, rng, explore=True):
        decision = super().act(request, rng=rng)
        return Decision(decision.items[:, :1].repeat(request.slate_size, axis=1), decision.probability)


class HalfEmpty(UniformAgent):
    def act(self, request, *, rng, explore=True):
        decision = super().act(request, rng=rng)
        return Decision(np.where(np.arange(request.slate_size) == 0, decision.items, -1), decision.probability)


class OwnGenerator(UniformAgent):
    def __init__(self, catalogue):
        super().__init__(catalogue)
        self.own = np.random.default_rng(0)

    def act(self, request, *, rng, explore=True):
        return super().act(request, rng=self.own)


class GlobalGenerator(UniformAgent):
    def act(self, request, *, rng, explore=True):
        np.random.rand()  # noqa: NPY002
        return super().act(request, rng=rng)


class SumsToTwo(UniformAgent):
    def probabilities(self, request):
        return 2 * super().probabilities(request)


class WeighsTheMasked(UniformAgent):
    def probabilities(self, request):
        return np.full(request.candidates.shape, 1 / request.candidates.shape[1])


class OneProbabilityShort(UniformAgent):
    def probabilities(self, request):
        return super().probabilities(request)[:, 1:]


class SaysAnotherPolicy(UniformAgent):
    def probabilities(self, request):
        weight = np.where(request.candidates >= 0, np.arange(1.0, request.candidates.shape[1] + 1), 0.0)
        return weight / weight.sum(axis=1, keepdims=True)


class ClaimsToBeUniform(UniformAgent):
    """Draws greedily half of the time, and says it is uniform."""

    def act(self, request, *, rng, explore=True):
        decision = super().act(request, rng=rng)
        first = np.where(request.candidates >= 0, request.candidates, 10**6).min(axis=1)
        greedy = (rng.random(len(first)) < 0.5)[:, None] & (np.arange(request.slate_size) == 0)
        return Decision(np.where(greedy, first[:, None], decision.items), decision.probability)


class SilentUpdate(UniformAgent):
    def update(self, feedback):
        return None


class ChangesFeedback(UniformAgent):
    def update(self, feedback):
        feedback.reward[:] = 0.0
        return {}


class Forgets(UniformAgent):
    def __init__(self, catalogue):
        super().__init__(catalogue)
        self.favourite = True

    def scores(self, request):
        return request.candidates * float(self.favourite)

    @property
    def exploration(self):
        from recenv.agents.exploration import Softmax

        return Softmax(1.0)

    @classmethod
    def load(cls, path):
        agent = super().load(path)
        agent.favourite = False
        return agent


class NoUpdate:
    def act(self, request, *, rng, explore=True):
        return None


FAULTS = [
    (TooManyItems, "items of shape"),
    (ItemsAsFloats, "whole numbers"),
    (BareItems, "return a Decision"),
    (OneProbabilityForAll, "one number a user"),
    (ScoreForProbability, "probability 1.7 in row 0"),
    (ShownAgain, "not among its candidates"),
    (OutOfRange, "not among its candidates"),
    (OwnGenerator, "draw from rng only"),
    (GlobalGenerator, "numpy's global generator"),
    (SumsToTwo, "sums to 2"),
    (WeighsTheMasked, "not 0 where the candidate is -1"),
    (OneProbabilityShort, "one a candidate"),
    (SaysAnotherPolicy, r"probabilities\(\) says"),
    (ClaimsToBeUniform, "of 1000 equal cases"),
    (SilentUpdate, "update returned NoneType"),
    (ChangesFeedback, "changed the feedback"),
    (Forgets, "differently after save"),
]


@pytest.mark.parametrize(("kind", "words"), FAULTS, ids=[kind.__name__ for kind, _ in FAULTS])
def test_each_fault_is_said_in_words_with_the_agents_name(few, kind, words):
    with pytest.raises(AssertionError, match=words) as caught:
        check_agent(kind(few.catalogue), few)
    assert kind.__name__ in str(caught.value)


@pytest.mark.parametrize(
    ("kind", "words"), [(RepeatsInSlate, "repeated an item"), (HalfEmpty, "left a position empty")]
)
def test_faults_of_slates_are_said(world, kind, words):
    env = RecSysVectorEnv(8, world=world, horizon=6, slate_size=2)
    with pytest.raises(AssertionError, match=words):
        check_agent(kind(env.catalogue), env)


def test_a_missing_method_is_named(few):
    with pytest.raises(AssertionError, match=r"NoUpdate has no method update\(\)"):
        check_agent(NoUpdate(), few)
