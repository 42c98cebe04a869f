"""Rewards of single items: alone, or at their position of a slate (the compiled loop sums over a slate)."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

COUNTED = {"like": "liked", "click": "clicked", "purchase": "purchased", "uplift": "uplift"}


def reward_alone(
    reward: str, outcome: NDArray[np.void], trust: NDArray[np.float64], dials: Any, levels: int, met: NDArray[np.void]
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
    met
        (B,) of dtype ELSEWHERE: what each user consumes beside the item, if it is another one.
    """
    if reward in COUNTED:
        return outcome[COUNTED[reward]].astype(np.float64)
    if reward == "rating":
        return np.where(outcome["consumed"], outcome["rating"], 0.0)
    taken, other = (
        outcome["consumed"],
        (met["item"] >= 0)[:, None] & (met["item"][:, None] != outcome["item"]),
    )
    ratings = taken * (outcome["level"] - 1.0) + other * (met["level"][:, None] - 1.0)
    felt = ratings / (levels - 1.0) / np.maximum(taken.astype(np.int64) + other, 1)
    after: NDArray[np.float64] = trust[:, None] + dials["adapt"] * (felt - trust[:, None])
    return after if np.isnan(dials["fixed_trust"]) else np.full(felt.shape, float(dials["fixed_trust"]))


def reward_by_position(reward: str | Any, outcome: NDArray[np.void], total: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return (B, K) rewards of the positions of slates, which sum to the reward `total` (B,) of the step.

    Satisfaction, and a function of the whole slate, belong to no position: they stand at the first.
    """
    if reward == "rating":
        return np.where(outcome["consumed"], outcome["rating"], 0.0)
    if isinstance(reward, str) and reward in COUNTED:
        return outcome[COUNTED[reward]].astype(np.float64)
    split = np.zeros(outcome.shape)
    split[:, 0] = total
    return split
