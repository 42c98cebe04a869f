"""check_agent: says in words what is wrong with an agent, before a long run does."""

from __future__ import annotations

import copy
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recenv.protocol import Decision, Feedback, Request
from recenv.sessions import env_actions, feedback_rows, request_rows

ROUNDS = 4
"""Steps of every user that the check takes."""
REPEATS = 1000
"""Times that one user is decided for, to compare what an agent claims with how often it does it."""


def check_agent(agent: Any, env: Any, *, seed: int = 0) -> None:
    """Play a few rounds with an agent and refuse it, in words, where it breaks the contract of `recenv.protocol`.

    Checked are: the shapes and types of decisions; that items come from the candidates, without repeats in a slate;
    that probabilities are in (0, 1] and the same as `probabilities()` says; that all randomness comes from `rng`; that
    `update` returns a dict, and takes feedback late and out of order; that a saved agent decides as it did.

    Parameters
    ----------
    agent
        An agent, trained or not; it is given feedback.
    env
        A `RecSysVectorEnv` with a few users; 8 are enough.
    seed
        Of the sessions and of the exploration.

    Raises
    ------
    AssertionError
        With what is wrong and how to mend it, the agent's class named.
    """
    name = type(agent).__name__
    for method in ("act", "update"):
        _require(callable(getattr(agent, method, None)), f"{name} has no method {method}(): see recenv.protocol.Agent")
    rng = np.random.default_rng(seed)
    request = env.request(env.reset(seed=seed)[0])
    _check_frequencies(agent, name, request, rng)
    waiting: list[Feedback] = []
    fresh = np.zeros(len(request.candidates), bool)
    for _ in range(ROUNDS):
        _check_request(agent, name, request, seed)
        feedback = _play(agent, env, request, rng)
        # A slot that starts anew ignored its action: there is nothing to learn from.
        waiting.append(feedback_rows(feedback, ~fresh))
        request, fresh = feedback.next_request, feedback.terminated | feedback.truncated
    _check_updates(agent, name, waiting)
    _check_request(agent, name, request, seed)
    _check_saving(agent, name, request, seed)


def _check_request(agent: Any, name: str, request: Request, seed: int) -> None:
    """Check all that can be said about one request, exploring and not."""
    for explore in (True, False):
        with _global_generators_untouched(name):
            first = agent.act(request, rng=np.random.default_rng(seed), explore=explore)
        check_decision(first, request, name)
        second = agent.act(request, rng=np.random.default_rng(seed), explore=explore)
        same = np.array_equal(first.items, second.items) and np.array_equal(
            first.probability, second.probability, equal_nan=True
        )
        _require(
            same,
            f"{name}.act(explore={explore}) decided differently when asked twice with the same generator: draw from "
            "rng only, and change no state in act()",
        )
    if callable(getattr(agent, "probabilities", None)):
        _check_probabilities(agent, name, request, seed)


def check_decision(decision: Any, request: Request, name: str) -> None:
    """Refuse a decision whose shapes, items or probabilities are not those of an answer to `request`."""
    _require(isinstance(decision, Decision), f"{name}.act returned a {type(decision).__name__}: return a Decision")
    items, probability = np.asarray(decision.items), np.asarray(decision.probability)
    users, slate = len(request.candidates), request.slate_size
    _require(
        items.shape == (users, slate),
        f"{name}.act returned items of shape {items.shape} for {users} users and slates of {slate}: "
        f"return {(users, slate)}",
    )
    _require(items.dtype.kind in "iu", f"{name}.act returned items of dtype {items.dtype}: item ids are whole numbers")
    _require(
        probability.shape == (users,),
        f"{name}.act returned probability of shape {probability.shape}: return one number a user, {(users,)}",
    )
    bad = np.flatnonzero(~(np.isnan(probability) | ((probability > 0) & (probability <= 1 + 1e-12))))
    if len(bad):
        raise AssertionError(
            f"{name}.act returned probability {probability[bad[0]]} in row {bad[0]}: it is that of the whole decision, "
            "in (0, 1], or NaN where it is unknown"
        )
    _check_items(items, request, name)


def _check_items(items: NDArray[np.integer], request: Request, name: str) -> None:
    for row, (slate, candidates) in enumerate(zip(items, request.candidates, strict=True)):
        shown, allowed = slate[slate >= 0], candidates[candidates >= 0]
        outside = shown[~np.isin(shown, allowed)]
        _require(
            not len(outside) and (slate >= -1).all(),
            f"{name}.act chose item {outside[0] if len(outside) else slate.min()} in row {row}, which is not among its "
            "candidates: choose ids from request.candidates, never a -1 or a column number",
        )
        _require(
            len(np.unique(shown)) == len(shown),
            f"{name}.act repeated an item in the slate {slate.tolist()} of row {row}: draw without replacement",
        )
        _require(
            len(shown) >= min(len(slate), len(allowed)),
            f"{name}.act left a position empty in row {row}, though {len(allowed)} candidates were there",
        )


def _check_probabilities(agent: Any, name: str, request: Request, seed: int) -> None:
    probability = np.asarray(agent.probabilities(request))
    _require(
        probability.shape == request.candidates.shape,
        f"{name}.probabilities returned shape {probability.shape}: return {request.candidates.shape}, one a candidate",
    )
    _require(
        bool((probability >= 0).all() and (probability[request.candidates < 0] == 0).all()),
        f"{name}.probabilities is negative somewhere, or not 0 where the candidate is -1",
    )
    some = (request.candidates >= 0).any(axis=1)
    off = np.flatnonzero(some & (np.abs(probability.sum(axis=1) - 1) > 1e-6))
    if len(off):
        raise AssertionError(f"{name}.probabilities sums to {probability[off[0]].sum():.6g} in row {off[0]}, not to 1")
    single = request._replace(slate_size=1)
    decision = agent.act(single, rng=np.random.default_rng(seed), explore=True)
    said = (probability * (request.candidates == decision.items)).sum(axis=1)
    off = np.flatnonzero(some & (np.abs(said - decision.probability) > 1e-6 + 1e-6 * said))
    if len(off):
        raise AssertionError(
            f"{name}.act gave its item in row {off[0]} the probability {decision.probability[off[0]]:.6g}, "
            f"probabilities() says {said[off[0]]:.6g}: both must be the chance of exploring agents to choose it"
        )


def _check_frequencies(agent: Any, name: str, request: Request, rng: np.random.Generator) -> None:
    """Decide for one user many times: an item must come up as often as its probability says, within six deviations."""
    many = request_rows(request, np.zeros(REPEATS, np.int64))._replace(slate_size=1)
    decision = agent.act(many, rng=rng, explore=True)
    check_decision(decision, many, name)
    items, first, counts = np.unique(decision.items[:, 0], return_index=True, return_counts=True)
    for item, claimed, count in zip(items, np.asarray(decision.probability)[first], counts, strict=True):
        expected = REPEATS * claimed
        if max(count, expected) < 20 or np.isnan(claimed):
            continue
        allowed = 6 * np.sqrt(max(expected * (1 - claimed), 1.0))
        _require(
            abs(count - expected) <= allowed,
            f"{name}.act chose item {item} in {count} of {REPEATS} equal cases, but says that its probability is "
            f"{claimed:.6g}: return the chance with which the item is drawn, exploration included",
        )


def _play(agent: Any, env: Any, request: Request, rng: np.random.Generator) -> Feedback:
    decision = agent.act(request, rng=rng, explore=True)
    observation, reward, terminated, truncated, _ = env.step(env_actions(decision))
    return Feedback(request, decision, reward, env.request(observation), terminated, truncated)


def _check_updates(agent: Any, name: str, waiting: list[Feedback]) -> None:
    """Hand the feedback over late and in reverse, all but the first round."""
    for feedback in [waiting[0], *reversed(waiting[1:])]:
        kept = copy.deepcopy(feedback)
        metrics = agent.update(feedback)
        _require(
            isinstance(metrics, dict),
            f"{name}.update returned {type(metrics).__name__}: return a dict of metrics, {{}} where there are none",
        )
        _require(_equal(kept, feedback), f"{name}.update changed the feedback it was given: copy what you alter")


def _check_saving(agent: Any, name: str, request: Request, seed: int) -> None:
    if not callable(getattr(agent, "save", None)):
        return
    _require(callable(getattr(type(agent), "load", None)), f"{name} has save() but no class method load()")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "agent"
        agent.save(path)
        again = type(agent).load(path)
    mine = agent.act(request, rng=np.random.default_rng(seed))
    other = again.act(request, rng=np.random.default_rng(seed))
    same = np.array_equal(mine.items, other.items) and np.array_equal(
        mine.probability, other.probability, equal_nan=True
    )
    _require(same, f"{name} decides differently after save() and load(): save all that act() depends on")


@contextmanager
def _global_generators_untouched(name: str) -> Iterator[None]:
    """Refuse draws from numpy's global generator, which no seed of ours reaches."""
    before = _global_state()
    yield
    after = _global_state()
    _require(
        np.array_equal(before[0], after[0]) and before[1] == after[1],
        f"{name}.act drew from numpy's global generator: draw from the rng that it is given",
    )


def _global_state() -> tuple[NDArray[Any], int]:
    _, keys, position, *_ = np.random.get_state()  # noqa: NPY002 (it is read, not drawn from)
    return np.array(keys), int(position)


def _equal(one: Any, other: Any) -> bool:
    if isinstance(one, np.ndarray):
        return np.array_equal(one, other, equal_nan=one.dtype.kind == "f")
    if isinstance(one, dict):
        return set(one) == set(other) and all(_equal(one[key], other[key]) for key in one)
    if isinstance(one, tuple):
        return len(one) == len(other) and all(_equal(a, b) for a, b in zip(one, other, strict=True))
    return bool(one == other)


def _require(holds: bool, words: str) -> None:
    if not holds:
        raise AssertionError(words)
