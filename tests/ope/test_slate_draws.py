"""Agents whose slates are no draws of one item after another: they say their law, or they are refused."""

import numpy as np
import pytest

from recenv.agents import PopularityAgent
from recenv.agents.exploration import EpsilonGreedy
from recenv.agents.slates.diverse_greedy import DiverseGreedyAgent
from recenv.ope import estimate, evaluate, slate_terms
from recenv.ope.slate_draws import check_draws
from recenv.ope.slate_policy import slots
from recenv.protocol import Catalogue, Decision, Request

from . import slates
from .test_evaluate_slates import AskedAgain, Softmax, make_log

TABLE = np.array([[0.0, 0.3, 0.0, 0.1], [0.2, 0.0, 0.05, 0.0], [0.0, 0.05, 0.0, 0.1], [0.1, 0.0, 0.1, 0.0]])
"""[a, b]: probability of the slate (a, b): never two items of the same parity."""


class ByTable:
    """Draws whole slates; `probabilities` says what stands at the top."""

    def probabilities(self, request):
        odds = np.where(request.candidates >= 0, TABLE.sum(axis=1), 0.0)
        return odds / odds.sum(axis=1, keepdims=True)

    def act(self, request, *, rng, explore=True):
        drawn = rng.choice(TABLE.size, len(request.candidates), p=TABLE.ravel())
        return Decision(np.stack(np.divmod(drawn, 4), axis=1), TABLE.ravel()[drawn])


class SaysItsLaw(ByTable):
    """The same, and it says what follows."""

    def next_probabilities(self, request, shown):
        return (TABLE / TABLE.sum(axis=1, keepdims=True))[shown[:, 0]]


@pytest.fixture
def request_of_four():
    return Request(np.zeros((40, 1)), np.tile(np.arange(4), (40, 1)), slate_size=2)


def run(log, policy, **options):
    options = {"estimators": ("sips", "rips"), "loggers": Softmax(slates.LOGGING), **options}
    return evaluate(log, {"new": policy}, replicates=2, progress=False, **options)


def test_an_agent_whose_slates_have_another_law_is_refused_by_name(rng):
    log = make_log(*slates.draw(rng, 200, cascade=True))
    with pytest.raises(ValueError, match=r"'new': act\(\) gives the slate .* Give it next_probabilities\(request"):
        run(log, ByTable())
    with pytest.raises(ValueError, match=r"'logger 0': act\(\) gives the slate"):
        run(log, Softmax(slates.TARGET), loggers=ByTable())


def test_an_agent_that_says_its_law_is_weighed_by_it(rng):
    context, slate, reward = slates.draw(rng, 500, cascade=True)
    log = make_log(context, slate, reward)
    target = np.repeat(TABLE[slate[:, 0], slate[:, 1]], 2)
    wanted = estimate("sips", slate_terms(log, target=target))
    assert run(log, SaysItsLaw()).row("new", "sips")["value"] == pytest.approx(wanted.value, rel=1e-9)


def test_slots_follow_the_law_that_is_said(request_of_four, rng):
    policy, columns = SaysItsLaw(), np.tile([0, 1], (40, 1))
    answers = [policy.probabilities(request_of_four), policy.next_probabilities(request_of_four, columns[:, :1])]
    found = slots("new", policy, request_of_four, answers, columns, rng)
    np.testing.assert_allclose(found[:, 0], np.tile(TABLE.sum(axis=1), (40, 1)))
    np.testing.assert_allclose(found[:, 1].mean(axis=0), TABLE.sum(axis=0), atol=0.03)


def test_what_is_shown_above_gets_no_probability(rng):
    class Repeats(SaysItsLaw):
        def next_probabilities(self, request, shown):
            return np.tile(TABLE.sum(axis=1), (len(shown), 1))

    log = make_log(*slates.draw(rng, 50, cascade=True))
    with pytest.raises(ValueError, match="gives probability to a candidate that is -1"):
        run(log, Repeats())


def test_draws_by_chance_without_replacement_pass(request_of_four, rng):
    agent = PopularityAgent(catalogue())
    for epsilon in (0.0, 0.4):
        agent.exploration = EpsilonGreedy(epsilon)
        check_draws("popular", agent, request_of_four, rng)
    seen = request_of_four._replace(observation=np.zeros((40, 1)))
    check_draws("softmax", AskedAgain(slates.TARGET), seen, rng)
    check_draws("no agent", Softmax(slates.TARGET), seen, rng)


def test_a_reranker_by_diversity_passes_because_it_says_what_follows(request_of_four, rng, monkeypatch):
    known = catalogue()
    agent = DiverseGreedyAgent(PopularityAgent(known), known.features, 0.9)
    check_draws("diverse", agent, request_of_four, rng)
    monkeypatch.delattr(DiverseGreedyAgent, "next_probabilities")
    with pytest.raises(ValueError, match="'diverse': act"):
        check_draws("diverse", agent, request_of_four, rng)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"probability": np.full(40, np.nan)}, r"gives the slate \[\d, \d\] probability nan"),
        ({"items": np.tile([0, -1], (40, 1))}, r"leaves a position of the slate \[0, -1\] empty"),
    ],
)
def test_slates_of_unknown_probability_or_with_gaps_are_refused(request_of_four, rng, changes, message):
    class Odd(AskedAgain):
        def act(self, request, *, rng, explore=True):
            return super().act(request, rng=rng, explore=explore)._replace(**changes)

    with pytest.raises(ValueError, match=message):
        check_draws("odd", Odd(slates.TARGET), request_of_four, rng)


def catalogue():
    """Items 0 and 1 are alike and popular."""
    features = np.array([[1.0, 0.0], [1.0, 0.1], [0.0, 1.0], [-1.0, 0.5]], np.float32)
    return Catalogue(features, np.array([9.0, 8.0, 2.0, 1.0]), observation_size=1)
