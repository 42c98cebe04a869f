"""Whether an agent draws with the probabilities that it claims."""

from __future__ import annotations

import numpy as np

from recenv.protocol import Decision, Request
from recenv.sessions import request_rows
from recenv.testing.decisions import ABOVE_ONE, checked_decision
from recenv.testing.findings import Findings

REPEATS = 1000
"""Times that one user is decided for, to compare what an agent claims with how often it does it."""
DEVIATIONS = 6
"""Standard deviations of a count by which chance is excused."""
COUNTS = 20
"""Decisions that are expected, or come up, more rarely than this are not compared one by one."""
UNSEEN = 0.1
"""Probability of what never came up, above the Good-Turing estimate of it, that is excused."""


def check_probabilities(found: Findings, request: Request, *, seed: int) -> None:
    """Check `probabilities(request)` by itself and against what `act` says of the same request."""
    name = f"{found.kind}.probabilities"
    answer = found.ask("probabilities", request)
    found.must(
        isinstance(answer, np.ndarray) and answer.dtype.kind == "f",
        "probabilities type",
        f"{name} returned {getattr(answer, 'dtype', type(answer).__name__)}: return a numpy array of float64",
    )
    found.must(
        answer.shape == request.candidates.shape,
        "probabilities shape",
        f"{name} returned shape {answer.shape}: return {request.candidates.shape}, one a candidate",
    )
    bad = ~(answer >= 0) | ((request.candidates < 0) & (answer != 0))
    row, column = np.unravel_index(bad.argmax(), bad.shape) if bad.any() else (0, 0)
    found.must(
        not bad.any(),
        "probabilities sign",
        f"{name} gives {answer[row, column]} in row {row}, column {column}, whose candidate is "
        f"{request.candidates[row, column]}: probabilities are 0 or more, and must "
        "not be above 0 where the candidate is -1",
    )
    some = (request.candidates >= 0).any(axis=1)
    off = some & (np.abs(answer.sum(axis=1, dtype=np.float64) - 1) > 1e-6)
    row = int(off.argmax())
    found.must(
        not off.any(),
        "probabilities sum",
        f"{name} sums to {answer[row].sum():.6g} in row {row}, not to 1: normalise over the row's candidates",
    )
    single = request._replace(slate_size=1)
    decision = checked_decision(found, single, rng=np.random.default_rng(seed), explore=True)
    alone = answer if request.slate_size == 1 else np.asarray(found.ask("probabilities", single))
    said = (alone * (request.candidates == decision.items)).sum(axis=1)
    off = some & ~(np.abs(said - decision.probability) <= 1e-6 + 1e-6 * said)
    row = int(off.argmax())
    found.require(
        not off.any(),
        "probabilities against act",
        f"{found.kind}.act gave its item in row {row} the probability {decision.probability[row]:.6g}, "
        f"probabilities() says {said[row]:.6g}: both must be the chance of exploring agents to choose it",
    )


def check_frequencies(found: Findings, request: Request, *, rng: np.random.Generator, explore: bool) -> None:
    """Decide for one user many times: a slate must come up as often as its probability says.

    A count of R repeats may depart from R p by six deviations, sqrt(R p (1 - p)) each; the probabilities of different
    slates may not add up to more than 1; and what never came up may have no more probability than the share of slates
    that came up once (Good 1953, `good1953population`) and a tenth.
    """
    many = request_rows(request, np.zeros(REPEATS, np.int64))
    decision = checked_decision(found, many, rng=rng, explore=explore)
    if not ((decision.probability > 0) & (decision.probability <= 1 + ABOVE_ONE)).all():
        return
    slates, _, which, counts = _distinct(decision)
    claimed = np.bincount(which, weights=decision.probability) / counts
    expected = REPEATS * claimed
    excess = np.abs(counts - expected) - DEVIATIONS * np.sqrt(np.maximum(expected * (1 - claimed), 1.0))
    excess[np.maximum(counts, expected) < COUNTS] = -np.inf
    worst = int(excess.argmax())
    slate = slates[worst].tolist()
    what = f"item {slate[0]}" if len(slate) == 1 else f"slate {slate}"
    found.must(
        excess[worst] <= 0,
        "frequency",
        f"{found.kind}.act(explore={explore}) chose {what} in {counts[worst]} of {REPEATS} equal cases, but says that "
        f"its probability is {claimed[worst]:.6g}: return the chance with which it is drawn, exploration included",
    )
    total, once = claimed.sum(), np.count_nonzero(counts == 1) / REPEATS
    found.require(
        total <= 1.01,
        "claims above 1",
        f"{found.kind}.act(explore={explore}) claims probabilities that add up to {total:.6g} over the "
        f"{len(counts)} different decisions it took in {REPEATS} equal cases: they are not probabilities",
    )
    found.require(
        total >= 1 - once - UNSEEN,
        "claims below 1",
        f"{found.kind}.act(explore={explore}) claims probabilities that add up to only {total:.6g} over the "
        f"{len(counts)} different decisions it took in {REPEATS} equal cases: the claims are too small",
    )


def _distinct(decision: Decision) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    slates, first, which, counts = np.unique(
        decision.items, axis=0, return_index=True, return_inverse=True, return_counts=True
    )
    return slates, first, which.ravel(), counts
