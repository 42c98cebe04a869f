"""An explanation in words: shown because, clicked because, liked because."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recenv.causal.world import World
from recenv.protocol import Decision

WORDS = {
    "taste": "taste",
    "drift": "a taste that turned in this session",
    "user_bias": "how this user rates in general",
    "item_bias": "how this item is rated in general",
    "boredom": "boredom with its topics",
    "mood": "the hidden mood",
    "opinion_logged": "the opinion that the log shows",
    "opinion_shared": "what all opinions of this user share",
    "opinion_own": "an opinion that nothing else explains",
    "conformity": "popularity",
    "exposure": "being shown",
    "click_noise": "the chance of the moment",
}
LEAST = 0.005
"""Shares that round to 0.00 are not worth words."""


def shown_words(
    items: NDArray[np.integer],
    shown: NDArray[np.bool_],
    decision: Decision | None,
    reasons: str | Sequence[str] | None,
) -> tuple[str, ...]:
    """Return B sentences: why items (B, K) were shown, from the decision and the policy's own reasons.

    Raises
    ------
    TypeError
        If either is something else.
    ValueError
        If either does not belong to the last step of these users, with the row.
    """
    if not (decision is None or isinstance(decision, Decision)):
        raise TypeError(f"decision must be the Decision that act() returned, got {type(decision).__name__}")
    if not (reasons is None or isinstance(reasons, str | Sequence)):
        raise TypeError(f"reasons must be a text, or one text a user; got {reasons!r}")
    batch = len(items)
    told = [reasons] * batch if reasons is None or isinstance(reasons, str) else list(reasons)
    if len(told) != batch:
        raise ValueError(f"reasons must be one text or {batch}, one a user; got {len(told)}")
    facts = [""] * batch if decision is None else _decision_words(items, shown, decision)
    lines = []
    for there, reason, fact in zip(shown, told, facts, strict=True):
        because = "; ".join(part for part in (fact, reason) if part) or "the caller chose it"
        lines.append(f"Shown because {because}." if there else "Nothing was shown yet in this episode.")
    return tuple(lines)


def _decision_words(items: NDArray[np.integer], shown: NDArray[np.bool_], decision: Decision) -> list[str]:
    chosen, probability = np.asarray(decision.items), np.asarray(decision.probability, float)
    if chosen.shape != items.shape or probability.shape != (len(items),):
        raise ValueError(
            f"decision must have items of shape {items.shape} and {len(items)} probabilities, got {chosen.shape} and "
            f"{probability.shape}"
        )
    other = np.argwhere(shown[:, None] & (items >= 0) & (chosen != items))
    if len(other):
        i, k = other[0]
        raise ValueError(
            f"decision chose item {chosen[i, k]} for user {i} at position {k}, and item {items[i, k]} was shown: pass "
            "the decision of the last step"
        )
    scores = _scores(decision, items.shape)
    return [_one_decision(p, None if scores is None else scores[i]) for i, p in enumerate(probability)]


def _scores(decision: Decision, shape: tuple[int, ...]) -> NDArray[np.float64] | None:
    if "scores" not in decision.extra:
        return None
    scores = np.asarray(decision.extra["scores"], float)
    if scores.shape != shape:
        raise ValueError(
            f'decision.extra["scores"] must have shape {shape}, a score for each shown item; got {scores.shape}'
        )
    return scores


def _one_decision(probability: float, scores: NDArray[np.float64] | None) -> str:
    chance = "with unknown probability" if np.isnan(probability) else f"with probability {probability:.3g}"
    score = "" if scores is None else f", at a score of {', '.join(f'{one:.3g}' for one in scores)}"
    return f"the policy chose it {chance}{score}"


def response_words(world: World, row: Any, felt: Any, drawn: Any) -> list[str]:
    """Return sentences on one response: `row` of OUTCOME, `felt` and `drawn` its shares; none at an empty position."""
    if row["item"] < 0:
        return ["An empty position: nothing was shown there."]
    title = world.titles[row["item"]]
    return [_click_words(world, title, row, drawn), _rating_words(world, title, row, felt)]


def elsewhere_words(world: World, met: Any) -> list[str]:
    """Return a sentence on what was consumed without being shown, a record of ELSEWHERE; none where nothing was."""
    if met["item"] < 0:
        return []
    rating = f"{world.scale[met['level'] - 1]:g}"
    return [f"{world.titles[met['item']]}: consumed without being shown; it would have got {rating}."]


def _click_words(world: World, title: str, row: Any, drawn: Any) -> str:
    dials, y = world.behaviour, row["attraction"]
    if not row["examined"]:
        return f"{title}: not clicked because its position was not looked at."
    bought = f" and bought, above {dials.tau_buy:.2f}" if row["purchased"] else ""
    if dials.choice == "multinomial":
        best = "larger than that of every other shown item and of no click"
        ground = best if row["clicked"] else "not the largest: another item's, or that of no click, was larger"
        return f"{title}: {_did('clicked', row)}{bought} because its attraction {y:.2f} was {ground}; {_causes(drawn)}."
    side = "above" if row["clicked"] else "not above"
    ground = f"its attraction {y:.2f} was {side} {dials.tau_click:.2f}"
    return f"{title}: {_did('clicked', row)}{bought} because {ground}; {_causes(drawn)}."


def _rating_words(world: World, title: str, row: Any, felt: Any) -> str:
    level, x = int(row["level"]), row["satisfaction"]
    rating = f"{world.scale[level - 1]:g}"
    ground = f"its satisfaction {x:.2f} passed {level - 1} of {world.n_levels - 1} thresholds"
    if not row["consumed"]:
        return f"{title}: not liked because it was not consumed; it would have got {rating}: {ground}; {_causes(felt)}."
    need = f"a like is {world.scale[world.like_level - 1]:g} or more"
    return f"{title}: {_did('liked', row)} because {ground}, a rating of {rating}, and {need}; {_causes(felt)}."


def _did(event: str, row: Any) -> str:
    return event if row[event] else f"not {event}"


def _causes(shares: Any) -> str:
    """Return the causes, the largest first: "for it taste +1.20, ...; against it boredom -0.40"."""
    sizes = sorted(((float(shares[name]), name) for name in shares.dtype.names), key=lambda pair: -abs(pair[0]))
    parts = []
    for side, sign in (("for it", 1.0), ("against it", -1.0)):
        named = [f"{WORDS[name]} {share:+.2f}" for share, name in sizes if sign * share >= LEAST]
        if named:
            parts.append(f"{side} {', '.join(named)}")
    return "; ".join(parts) or "nothing spoke for or against it"
