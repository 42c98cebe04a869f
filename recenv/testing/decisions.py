"""Whether a decision is an answer to its request: shapes, types, items, probabilities."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from recenv.protocol import Decision, Request
from recenv.testing.findings import Findings

ABOVE_ONE = 1e-9
"""How far rounding may lift a probability above 1."""


def checked_decision(found: Findings, request: Request, *, rng: np.random.Generator, explore: bool) -> Decision:
    """Ask for a decision and note what is wrong with it; end the section where it is unusable."""
    decision = found.ask("act", request, rng=rng, explore=explore)
    name = f"{found.kind}.act"
    found.must(
        isinstance(decision, Decision),
        "Decision",
        f"{name} returned a {type(decision).__name__}: return a Decision(items, probability)",
    )
    _check_shapes(found, name, decision, request)
    _check_probability(found, name, decision.probability)
    _check_items(found, name, decision.items, request)
    return decision


def _check_shapes(found: Findings, name: str, decision: Decision, request: Request) -> None:
    expected = {
        "items": ((len(request.candidates), request.slate_size), "iu", "item ids are whole numbers, int64"),
        "probability": ((len(request.candidates),), "f", "probabilities are float64"),
    }
    for part, (shape, kinds, remedy) in expected.items():
        array: Any = getattr(decision, part)
        found.must(
            isinstance(array, np.ndarray),
            f"{part} array",
            f"{name} returned {part} as a {type(array).__name__}: return a numpy array",
        )
        each = "one slate a user" if part == "items" else "one number a user"
        found.must(
            array.shape == shape,
            f"{part} shape",
            f"{name} returned {part} of shape {array.shape} for {len(request.candidates)} users and slates of "
            f"{request.slate_size}: return {each}, {shape}",
        )
        found.must(
            array.dtype.kind in kinds, f"{part} dtype", f"{name} returned {part} of dtype {array.dtype}: {remedy}"
        )


def _check_probability(found: Findings, name: str, probability: NDArray[np.floating]) -> None:
    unknown = np.isnan(probability)
    bad = np.flatnonzero(~(unknown | ((probability > 0) & (probability <= 1 + ABOVE_ONE))))
    if len(bad):
        found.require(
            False,
            "probability range",
            f"{name} returned probability {probability[bad[0]]} in row {bad[0]}: it is that of the whole decision, in "
            "(0, 1], or NaN where it is unknown",
        )
    found.require(
        bool(unknown.all() or not unknown.any()),
        "probability partly NaN",
        f"{name} returned NaN as the probability of row {unknown.argmax()}, and numbers for others: off-policy "
        "evaluation cannot use such a log; know all of them or none",
    )


def _check_items(found: Findings, name: str, items: NDArray[np.integer], request: Request) -> None:
    for row, (slate, candidates) in enumerate(zip(items, request.candidates, strict=True)):
        shown, allowed = slate[slate >= 0], candidates[candidates >= 0]
        outside = [*shown[~np.isin(shown, allowed)], *slate[slate < -1]]
        found.must(
            not outside,
            "outside the candidates",
            f"{name} chose item {outside[0] if outside else ''} in row {row}, which is not among its candidates: "
            "choose ids from request.candidates, never a -1 or a column number",
        )
        found.must(
            len(np.unique(shown)) == len(shown),
            "repeated",
            f"{name} repeated an item in the slate {slate.tolist()} of row {row}: draw without replacement",
        )
        found.must(
            len(shown) >= min(len(slate), len(allowed)),
            "empty position",
            f"{name} left a position empty in row {row}, though {len(allowed)} candidates were there: fill the slate",
        )
