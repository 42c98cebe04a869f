"""check_agent: says in words what is wrong with an agent, before a long run does."""

from __future__ import annotations

import numbers
from collections.abc import Iterator
from typing import Any

import numpy as np

from recenv.batching import as_vector_env
from recenv.protocol import Decision, Feedback, Request
from recenv.sessions import feedback_rows, request_rows
from recenv.testing.claimed_probabilities import check_frequencies, check_probabilities
from recenv.testing.decisions import checked_decision
from recenv.testing.findings import Findings, Unanswered, same
from recenv.testing.saved_agents import check_saving

ROUNDS = 4
"""Steps of every user that the check takes."""
USERS = 8
"""Users that are played with where the environment was made for one."""
MANY = 512
"""Rows of the largest batch of feedback."""
FEW = 4
"""Candidates of a user where only a few of the catalogue may be shown."""


def check_agent(agent: Any, env: Any, *, seed: int = 0) -> None:
    """Play a few rounds with an agent and refuse it, in words, where it breaks the contract of `recenv.protocol`.

    Checked are: shapes and types of decisions; that items come from the candidates, few or many, without repeats in a
    slate; that probabilities are in (0, 1], the same as `probabilities()` says, and those with which it draws; that the
    same seed gives the same decision and no global generator is used; that the request and the feedback stay as they
    are; that `update` takes feedback late, out of order, of one user and of none, and returns a dict; that a saved
    agent decides and goes on learning as it did, and nothing is pickled.

    Parameters
    ----------
    agent
        An agent, trained or not; it is given feedback.
    env
        A `RecSysVectorEnv` with a few users, or a single environment, of which one with 8 users is made.
    seed
        Of the sessions and of the exploration.

    Raises
    ------
    AssertionError
        With everything that is wrong and how to mend it, the agent named.
    """
    env = as_vector_env(env, USERS)
    found, rng = Findings(agent), np.random.default_rng(seed)
    for method in ("act", "update"):
        words = f"{found.kind} has no method {method}(): see recenv.protocol.Agent"
        found.require(found.has(method), f"no {method}", words)
    if not found.words:
        _check_playing(found, env, rng, seed)
    found.report()


def _check_playing(found: Findings, env: Any, rng: np.random.Generator, seed: int) -> None:
    request = env.request(env.reset(seed=seed)[0])
    waiting: list[Feedback] = []
    fresh = np.zeros(len(request.candidates), bool)
    _check_requests(found, request, rng, seed)
    for _ in range(ROUNDS):
        feedback = _play(found, env, request, rng)
        # A slot that starts anew ignored its action: there is nothing to learn from.
        waiting.append(feedback_rows(feedback, ~fresh))
        request, fresh = feedback.next_request, feedback.terminated | feedback.truncated
    _check_updates(found, waiting)
    _check_requests(found, request, rng, seed)
    with found.section():
        check_saving(found, request, _many(waiting[0]), seed=seed)


def _check_requests(found: Findings, request: Request, rng: np.random.Generator, seed: int) -> None:
    for situation, asked in _situations(request, rng):
        with found.section(situation):
            _check_twice(found, asked, seed)
        if found.has("probabilities"):
            with found.section(situation):
                check_probabilities(found, asked, seed=seed)
    for situation, asked in _situations(request._replace(slate_size=min(request.slate_size, 2)), rng):
        for explore in (True, False):
            with found.section(situation):
                check_frequencies(found, asked, rng=rng, explore=explore)


def _situations(request: Request, rng: np.random.Generator) -> Iterator[tuple[str, Request]]:
    yield "", request
    yield "one user", request_rows(request, np.array([0]))
    few = request._replace(candidates=_few_candidates(request, rng))
    yield "a few candidates, others for each user", few
    yield "users who are not named", few._replace(users=None)


def _few_candidates(request: Request, rng: np.random.Generator) -> Any:
    """Return (B, FEW + 1) some of each user's candidates in any order; one column of each row is -1."""
    few = np.full((len(request.candidates), FEW + 1), -1, np.int64)
    for row, candidates in enumerate(request.candidates):
        allowed = candidates[candidates >= 0]
        few[row, : min(FEW, len(allowed))] = rng.permutation(allowed)[:FEW]
    return rng.permuted(few, axis=1)


def _check_twice(found: Findings, request: Request, seed: int) -> None:
    """Check a decision, exploring and not, and that asking again brings the same."""
    for explore in (True, False):
        first = checked_decision(found, request, rng=np.random.default_rng(seed), explore=explore)
        second = checked_decision(found, request, rng=np.random.default_rng(seed), explore=explore)
        found.require(
            same((first.items, first.probability), (second.items, second.probability)),
            "asked twice",
            f"{found.kind}.act(explore={explore}) decided differently when asked twice with the same generator: draw "
            "from rng only, and change no state in act()",
        )


def _play(found: Findings, env: Any, request: Request, rng: np.random.Generator) -> Feedback:
    """Return what came of the agent's decision, or of a random one where its own cannot be played."""
    try:
        decision = checked_decision(found, request, rng=rng, explore=True)
    except Unanswered:
        decision = _stand_in(request, rng)
    found.require(
        not (found.has("probabilities") and request.slate_size == 1 and np.isnan(decision.probability).any()),
        "NaN though it has probabilities",
        f"{found.kind}.act returned NaN as probability, though it has probabilities(): return the number that it says",
    )
    observation, reward, terminated, truncated, _ = env.step(env.actions_of(decision.items))
    following = env.request(observation)
    return Feedback(request, decision, reward, following, terminated, truncated, env.responses())


def _stand_in(request: Request, rng: np.random.Generator) -> Decision:
    """Return a uniform decision."""
    items = np.full((len(request.candidates), request.slate_size), -1, np.int64)
    probability = np.ones(len(items))
    for row, candidates in enumerate(request.candidates):
        allowed = candidates[candidates >= 0]
        shown = rng.permutation(allowed)[: request.slate_size]
        items[row, : len(shown)] = shown
        probability[row] = 1.0 / np.prod(len(allowed) - np.arange(len(shown)))
    return Decision(items, probability)


def _check_updates(found: Findings, waiting: list[Feedback]) -> None:
    """Hand the feedback over late and in reverse, all but the first round; then of one user, and of none."""
    first, *others = waiting
    for feedback in [first, *reversed(others[1:])]:
        _check_update(found, feedback, "")
    rows = np.arange(len(others[0].reward))
    _check_update(found, feedback_rows(others[0], rows[:1]), "feedback of one user")
    _check_update(found, feedback_rows(others[0], rows[1:]), "")
    _check_update(found, _many(others[0]), "")
    _check_update(found, feedback_rows(others[0], rows[:0]), "feedback of no user, as when all sessions start anew")


def _many(feedback: Feedback) -> Feedback:
    """Return a batch of feedback large enough that most agents learn from it at once."""
    rows = np.arange(len(feedback.reward))
    return feedback_rows(feedback, np.resize(rows, MANY) if len(rows) else rows)


def _check_update(found: Findings, feedback: Feedback, situation: str) -> None:
    with found.section(situation):
        metrics = found.ask("update", feedback)
        found.must(
            isinstance(metrics, dict),
            "metrics",
            f"{found.kind}.update returned {type(metrics).__name__}: return a dict of metrics, {{}} where there are "
            "none",
        )
        wrong = [key for key, value in metrics.items() if not isinstance(value, numbers.Real)]
        found.require(
            not wrong,
            "metric",
            f"{found.kind}.update returned the metric {wrong[0] if wrong else ''!r} as "
            f"{type(metrics[wrong[0]]).__name__ if wrong else ''}: return plain numbers",
        )
