"""What a person is shown of a session: who the user is, what happened before, what was shown now, the response, why."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recenv.causal.world import World
from recenv.envs.core import BatchCore
from recenv.envs.explaining import Explanation, explain
from recenv.envs.explanation_words import LEAST, WORDS
from recenv.envs.replaying import LastStep, last_step


@dataclass(frozen=True)
class Shown:
    """One position of the slate, in words."""

    title: str
    """Of the item; empty at an empty position."""
    response: str
    """What the user did, e.g. "clicked, rated 4, liked"."""
    felt: float
    """Normalised rating in [0, 1]; NaN where nothing was consumed."""
    liked: bool


@dataclass(frozen=True)
class Scene:
    """One user's session at its last step, in words and numbers."""

    heading: str
    """World, user and step."""
    outcome: str
    """Reward of the last step, and whether the session ended."""
    likes: tuple[str, ...]
    """Topics that this user's session dwelt on, the strongest first."""
    history: tuple[tuple[str, float], ...]
    """(title, feedback in [0, 1]) of earlier steps, the oldest first."""
    slate: tuple[Shown, ...]
    """K positions; none before the first step."""
    why: tuple[str, ...]
    """The sentences of `explain()`."""
    focus: int
    """Position whose causes are given: the first consumed, else the first that shows an item."""
    causes: tuple[tuple[str, tuple[tuple[str, float], ...]], ...]
    """Utility -> (cause in words, signed share in units of the noise), the largest first."""


def scenes(core: BatchCore, slots: Sequence[int]) -> list[Scene]:
    """Return what there is to see of the listed slots; the last step is found by replay, so nothing moves."""
    step = last_step(core)
    begun = (step.after.state.slot["step"] > 0).any()
    explanation = explain(core) if begun else None
    return [_scene(core, step, explanation, slot) for slot in slots]


def _scene(core: BatchCore, step: LastStep, explanation: Explanation | None, slot: int) -> Scene:
    world, state = core.world, step.after.state
    taken = int(state.slot["step"][slot])
    rows = step.after.out.outcome[slot] if taken else step.after.out.outcome[slot][:0]
    focus = _focus(rows)
    told = explanation is not None and taken > 0
    user = world.user_ids[step.before.user[slot]]
    return Scene(
        heading=f"World {world.name}: user {user}, step {taken} of {core.config.horizon}",
        outcome=_outcome(core, step, slot) if taken else "The session begins.",
        likes=_likes(world, state.visible[slot]),
        history=_history(world, state.shown[slot], state.felt[slot], (taken - 1) * core.config.slate_size),
        slate=tuple(_shown(world, row) for row in rows),
        why=explanation.of(slot).words if explanation is not None and told else (),
        focus=focus,
        causes=_causes(explanation, slot, focus) if explanation is not None and told else (),
    )


def _outcome(core: BatchCore, step: LastStep, slot: int) -> str:
    # A Python function's reward is not kept in a replay of several sessions of different lengths.
    result = (core if callable(core.config.reward) else step.after).out.result[slot]
    end = "; the user left" if result["terminated"] else "; the last step" if result["truncated"] else ""
    return f"Reward {result['reward']:.2f}{end}."


def _likes(world: World, visible: NDArray[np.float32]) -> tuple[str, ...]:
    """Return the names of up to three topics of the visible profile, what was consumed weighted by its rating."""
    features, topics = world.user_features.shape[1], len(world.topic_names)
    profile = visible[features + topics : features + 2 * topics]
    order = np.argsort(-profile, kind="stable")[:3]
    return tuple(world.topic_names[g] for g in order if profile[g] > 0.0)


def _history(
    world: World, shown: NDArray[np.int32], felt: NDArray[np.float32], before: int
) -> tuple[tuple[str, float], ...]:
    pairs = zip(shown[: max(before, 0)].tolist(), felt.tolist(), strict=False)
    return tuple((world.titles[item], value) for item, value in pairs if item >= 0)


def _shown(world: World, row: Any) -> Shown:
    if row["item"] < 0:
        return Shown("", "empty position", float("nan"), liked=False)
    if not row["examined"]:
        did = ["not looked at"]
    else:
        did = ["bought" if row["purchased"] else "clicked" if row["clicked"] else "not clicked"]
    if not row["consumed"]:
        return Shown(world.titles[row["item"]], did[0], float("nan"), liked=False)
    did += [f"rated {row['rating']:g}", *(["liked"] if row["liked"] else [])]
    felt = (int(row["level"]) - 1) / (world.n_levels - 1)
    return Shown(world.titles[row["item"]], ", ".join(did), felt, bool(row["liked"]))


def _focus(rows: NDArray[np.void]) -> int:
    """Return the first position consumed, else the first with an item; the first of two equal ones is the argmax."""
    return int(np.argmax(2 * rows["consumed"] + (rows["item"] >= 0))) if len(rows) else 0


def _causes(explanation: Explanation, slot: int, focus: int) -> tuple[tuple[str, tuple[tuple[str, float], ...]], ...]:
    if explanation.outcome[slot]["item"][focus] < 0:
        return ()
    tables = (("attraction", explanation.attraction), ("satisfaction", explanation.satisfaction))
    return tuple((name, _largest(table[slot][focus])) for name, table in tables)


def _largest(shares: Any) -> tuple[tuple[str, float], ...]:
    named = [(WORDS[cause], float(shares[cause])) for cause in shares.dtype.names]
    return tuple(sorted((one for one in named if abs(one[1]) >= LEAST), key=lambda one: -abs(one[1])))
