"""What no log can check: the assumptions that every card repeats."""

from __future__ import annotations

import dataclasses

from recenv.causal.behaviour import Behaviour

ASSUMPTIONS = (
    "Mechanism strengths (Behaviour) are not identified by a ratings log: they are assumed.",
    "Rating timestamps of MovieLens and its like mark a sitting, not consumption: satiation and drift are assumptions.",
    "Comfort loadings are the first principal component of the topics: assumed.",
    "Given user and item, whether a pair was rated does not depend on its rating.",
    "Users do not influence each other.",
    "Opinion noise of different items is independent unless noise_correlation is set.",
    "Mood is 0 during abduction.",
)
DECONFOUNDED = (
    "Deconfounded factors are a heuristic adjustment, not identification (D'Amour 2019): another world fits as well."
)


def assumptions(behaviour: Behaviour, *, deconfounded: bool = False) -> list[str]:
    """Return the assumptions behind a world, with the strength of each of its mechanisms last."""
    strengths = ", ".join(f"{name} {value}" for name, value in dataclasses.asdict(behaviour).items())
    return [*ASSUMPTIONS, *([DECONFOUNDED] if deconfounded else []), f"Assumed strengths: {strengths}."]
