"""Choosing how much bias to accept for less variance, without knowing either."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from recenv.ope.estimate import Estimate

TIGHTNESS = np.sqrt(6) - 1


def slope(results: Sequence[Estimate], *, confidence: float = 0.9) -> int:
    """Return the place of the narrowest estimate that still agrees with all wider ones.

    The wider an estimate, the less biased it is taken to be; equally wide ones keep their order. In order of falling
    width, estimate i stands while

        |value_i - value_j| <= width_i + (sqrt(6) - 1) width_j   for all j before i

    where width is the half-width of a one-sided Student interval of level `confidence`; its error is within a constant
    of the best one's. Nothing is kept between calls: every policy has its own choice.
    Reference: Su, Srinath and Krishnamurthy (2020); Tucker and Lee (2021) for the constant.

    Raises
    ------
    ValueError
        If there are no estimates or `confidence` is not between 0 and 1.
    """
    from scipy.special import stdtrit

    if not results:
        raise ValueError("slope needs at least one estimate: give a grid of hyper-parameters")
    if not 0 < confidence < 1:
        raise ValueError(f"confidence must be between 0 and 1, not {confidence}: 0.9 is usual")
    value = np.array([one.value for one in results])
    width = np.array([one.std_error * stdtrit(max(one.clusters - 1, 1), confidence) for one in results])
    order = np.argsort(-width, kind="stable")
    value, width = value[order], width[order]
    for place in range(1, len(order)):
        if not (np.abs(value[place] - value[:place]) <= width[place] + TIGHTNESS * width[:place]).all():
            return int(order[place - 1])
    return int(order[-1])
