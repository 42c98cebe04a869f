"""Rewards of single items: what each would bring if it alone were shown (the compiled loop sums over a slate)."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

COUNTED = {"like": "liked", "click": "clicked", "purchase": "purchased", "uplift": "uplift"}


def reward_alone(
    reward: str, outcome: NDArray[np.void], trust: NDArray[np.float64], dials: Any, levels: int
) -> NDArray[np.float64]:
    """Return (B, N) rewards of outcomes (B, N), each of an item alone at the first position.

    Parameters
    ----------
    reward
        A name in `REWARDS`.
    outcome
        (B, N) of dtype OUTCOME.
    trust
        (B,) before the step.
    dials
        Record of mechanism strengths.
    levels
        L, the number of rating levels.
    """
    if reward in COUNTED:
        return outcome[COUNTED[reward]].astype(np.float64)
    if reward == "rating":
        return np.where(outcome["consumed"], outcome["rating"], 0.0)
    felt = np.where(outcome["consumed"], (outcome["level"] - 1.0) / (levels - 1.0), 0.0)
    after: NDArray[np.float64] = trust[:, None] + dials["adapt"] * (felt - trust[:, None])
    return after if np.isnan(dials["fixed_trust"]) else np.full(felt.shape, float(dials["fixed_trust"]))
