import pickle
import random

import numpy as np
import pytest
import torch

from recenv.agents import EpsilonGreedy, ScoreAgent, UniformAgent, agent_names, find_agent, make_agent
from recenv.agents.saving import read_agent, write_agent
from recenv.causal import World
from recenv.envs import RecSysVectorEnv
from recenv.protocol import Decision
from recenv.testing.agents import check_agent
from recenv.testing.saved_agents import pickled_files
from recenv.training import train

SETTINGS = [{}, {"observation": "history"}, {"slate_size": 3}, {"candidates": 8}]


@pytest.fixture
def few(world):
    return RecSysVectorEnv(8, world=world, horizon=6)


BUILT_IN = [name for name in agent_names() if ".adapters." not in find_agent(name).__module__]
"""Adapters to other libraries have tests of their own."""


@pytest.mark.parametrize("setting", SETTINGS, ids=str)
@pytest.mark.parametrize("name", BUILT_IN)
def test_the_built_in_agents_pass(name, setting):
    env = RecSysVectorEnv(6, world=World.synthetic(3, users=60, items=20, dims=4, topics=3), horizon=5, **setting)
    agent = make_agent(name, env.catalogue)
    if name == "dqn" and "slate_size" in setting:
        with pytest.raises(AssertionError, match="feedback has slates of 3: use slateq"):
            check_agent(agent, env)
        return
    check_agent(agent, env)


def test_an_agent_passes_after_training_too(few):
    agent = make_agent("dqn", few.catalogue, learning_starts=32, batch_size=32)
    train(agent, few, 400, rng=np.random.default_rng(0))
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


class FloatsAsObjects(UniformAgent):
    def act(self, request, *, rng, explore=True):
        decision = super().act(request, rng=rng)
        return Decision(decision.items, decision.probability.astype(object))


class ListOfItems(UniformAgent):
    def act(self, request, *, rng, explore=True):
        decision = super().act(request, rng=rng)
        return Decision(decision.items.tolist(), decision.probability)


class KnowsHalf(UniformAgent):
    def act(self, request, *, rng, explore=True):
        decision = super().act(request, rng=rng)
        return Decision(decision.items, np.where(np.arange(len(decision.items)) % 2, decision.probability, np.nan))


class KeepsItSecret(UniformAgent):
    def act(self, request, *, rng, explore=True):
        decision = super().act(request, rng=rng)
        return Decision(decision.items, np.full(len(decision.items), np.nan))


class NaNProbabilities(UniformAgent):
    def probabilities(self, request):
        return super().probabilities(request) * np.nan


class ChangesRequest(UniformAgent):
    def act(self, request, *, rng, explore=True):
        request.observation[:] = 0.0
        return super().act(request, rng=rng)


class TorchGenerator(UniformAgent):
    def act(self, request, *, rng, explore=True):
        torch.rand(1)
        return super().act(request, rng=rng)


class PythonGenerator(UniformAgent):
    def act(self, request, *, rng, explore=True):
        random.random()
        return super().act(request, rng=rng)


class LearnsByGlobalGenerator(UniformAgent):
    def update(self, feedback):
        np.random.seed(0)  # noqa: NPY002
        return {}


class WholeCatalogueOnly(UniformAgent):
    def scores(self, request):
        return np.zeros((len(request.candidates), 60))


class NeedsNames(UniformAgent):
    def scores(self, request):
        return np.zeros((len(request.users), request.candidates.shape[1]))


class NeedsManyUsers(UniformAgent):
    def scores(self, request):
        return np.zeros(request.candidates.shape) + request.observation[1].sum()


class ExpectsItsLastDecision(UniformAgent):
    def act(self, request, *, rng, explore=True):
        self.last = {request.observation.tobytes(): 1.0}
        return super().act(request, rng=rng)

    def update(self, feedback):
        return {"weight": self.last[feedback.request.observation.tobytes()]}


class NeedsFeedbackOfManyUsers(UniformAgent):
    def update(self, feedback):
        return {"second": float(feedback.reward[1])}


class NeedsFeedback(UniformAgent):
    def update(self, feedback):
        return {"best": float(feedback.reward.max())}


class TextForMetric(UniformAgent):
    def update(self, feedback):
        return {"loss": "low"}


class NoProbabilities:
    """Draws uniformly; what it claims is up to the subclass."""

    def __init__(self, catalogue):
        self.uniform = UniformAgent(catalogue)

    def act(self, request, *, rng, explore=True):
        decision = self.uniform.act(request, rng=rng)
        return Decision(decision.items, self.claim(decision.probability, explore))

    def update(self, feedback):
        return {}


class HalvesItsClaims(NoProbabilities):
    def claim(self, probability, explore):
        return probability / 2


class ClaimsOneAlways(NoProbabilities):
    def claim(self, probability, explore):
        return np.ones(len(probability))


class GreedyWithoutSayingSo(NoProbabilities):
    def claim(self, probability, explore):
        return probability if explore else np.ones(len(probability))


class TooSmallClaims(NoProbabilities):
    """Too small by a fifth: within the deviations of each item, not of all together."""

    def claim(self, probability, explore):
        return probability * np.where(probability < 0.1, 0.8, 1.0)


class TooLargeClaims(NoProbabilities):
    def claim(self, probability, explore):
        return probability * np.where(probability < 0.1, 1.2, 1.0)


class Pickles(UniformAgent):
    def save(self, path):
        super().save(path)
        (path / "agent.bin").write_bytes(pickle.dumps({"weights": [1.0]}))


class CannotLoad(UniformAgent):
    @classmethod
    def load(cls, path):
        return super().load(path / "elsewhere")


class NoLoad(NoProbabilities):
    def claim(self, probability, explore):
        return probability

    def save(self, path):
        self.uniform.save(path)


class SavingChangesIt(UniformAgent):
    saved = False

    def save(self, path):
        super().save(path)
        self.exploration = EpsilonGreedy(0.5)


class ForgetsWhatItLearnsBy(UniformAgent):
    """Saves its scores, not the rate by which they change."""

    exploration = EpsilonGreedy(0.1)

    def __init__(self, catalogue):
        super().__init__(catalogue)
        self.scale, self.rate = 0.0, 1.0

    def scores(self, request):
        return request.candidates * self.scale

    def act(self, request, *, rng, explore=True):
        return ScoreAgent.act(self, request, rng=rng, explore=explore)

    def update(self, feedback):
        self.scale += self.rate
        return {}

    def save(self, path):
        write_agent(path, self.name, options={}, trained_on=(), state={"scale": self.scale})

    @classmethod
    def load(cls, path):
        agent = cls.__new__(cls)
        agent.scale, agent.rate = read_agent(path, (cls.name,)).state["scale"], -1e9
        return agent


class Fails(UniformAgent):
    def act(self, request, *, rng, explore=True):
        return 1 // 0


class ManyFaults(UniformAgent):
    def act(self, request, *, rng, explore=True):
        decision = super().act(request, rng=rng)
        return Decision(decision.items, np.full(len(decision.items), 1.7))

    def probabilities(self, request):
        return 2 * super().probabilities(request)

    def update(self, feedback):
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
    (WeighsTheMasked, "not be above 0 where the candidate is -1"),
    (OneProbabilityShort, "one a candidate"),
    (SaysAnotherPolicy, r"probabilities\(\) says"),
    (ClaimsToBeUniform, "of 1000 equal cases"),
    (SilentUpdate, "update returned NoneType"),
    (ChangesFeedback, "changed the feedback"),
    (Forgets, "decides differently after save"),
    (FloatsAsObjects, "probability of dtype object"),
    (ListOfItems, "items as a list"),
    (KnowsHalf, "NaN as the probability of row 0, and numbers for others"),
    (KeepsItSecret, r"returned NaN as probability, though it has probabilities\(\)"),
    (NaNProbabilities, "gives nan in row 0"),
    (ChangesRequest, "act changed the request"),
    (TorchGenerator, "act used torch's global generator"),
    (PythonGenerator, "act used random's global generator"),
    (LearnsByGlobalGenerator, "update used numpy's global generator"),
    (WholeCatalogueOnly, "asked about a few candidates, others for each user"),
    (NeedsNames, "asked about users who are not named"),
    (NeedsManyUsers, "asked about one user"),
    (ExpectsItsLastDecision, "update raised KeyError"),
    (NeedsFeedbackOfManyUsers, "asked about feedback of one user"),
    (NeedsFeedback, "asked about feedback of no user"),
    (TextForMetric, "the metric 'loss' as str"),
    (HalvesItsClaims, r"act\(explore=True\) chose item \d+ in \d+ of 1000 equal cases"),
    (ClaimsOneAlways, "chose item"),
    (GreedyWithoutSayingSo, r"act\(explore=False\) chose item"),
    (TooSmallClaims, "the claims are too small"),
    (TooLargeClaims, "add up to"),
    (Pickles, r"save wrote agent\.bin with pickle"),
    (CannotLoad, "load raised FileNotFoundError"),
    (NoLoad, r"no class method load\(\)"),
    (SavingChangesIt, "decides differently after save.. than before"),
    (ForgetsWhatItLearnsBy, "learns differently after save"),
    (Fails, "act raised ZeroDivisionError: integer division"),
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


def test_everything_that_is_wrong_is_said_at_once_and_once(few):
    with pytest.raises(AssertionError, match=r"agent 'uniform' \(ManyFaults\) .* 3 problems") as caught:
        check_agent(ManyFaults(few.catalogue), few)
    for words in ("probability 1.7", "sums to 2", "update returned NoneType"):
        assert str(caught.value).count(words) == 1


@pytest.mark.parametrize(
    ("name", "write"),
    [
        ("weights.pkl", lambda path: path.write_text("cos\nsystem\n")),
        ("model", lambda path: path.write_bytes(pickle.dumps([1, 2], protocol=4))),
        ("model.pth", lambda path: torch.save({"weight": torch.zeros(2)}, path)),
        ("objects.npy", lambda path: np.save(path, np.array([{}]), allow_pickle=True)),
        ("objects.npz", lambda path: np.savez(path, column=np.array([{}]))),
    ],
)
def test_pickles_are_found_by_what_is_in_the_file(tmp_path, name, write):
    write(tmp_path / name)
    np.savez(tmp_path / "arrays.npz", weight=np.zeros(2))
    (tmp_path / "agent.json").write_text("{}")
    assert [path.name for path in pickled_files(tmp_path)] == [name]


def test_a_missing_method_is_named(few):
    with pytest.raises(AssertionError, match=r"NoUpdate has no method update\(\)"):
        check_agent(NoUpdate(), few)
