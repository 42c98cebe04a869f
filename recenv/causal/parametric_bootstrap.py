"""How far off what a fit says is, found out where the truth is known: in the fitted worlds themselves.

Every world k of an ensemble plays a log as the real one came about, and the same procedure is applied to it. With
v_k what world k says, and e_k what the procedure then says of its log less v_k,

    estimate = mean(v) - mean(e),    reach = t_{K-1} sqrt( (1 + 1/K) var(v) + var(e) / K )

(Efron & Tibshirani 1993, chapters 6 and 10, `efron1993introduction`): mean(e) is the bias, as of mechanisms that the
fit does not know of; var(v) is what the log leaves open, given worlds that are draws from a posterior. Assumption: the
truth could be one of the worlds, so that the procedure errs on it as on them. This module plays nothing itself: how
a log comes about is the caller's to say.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from recenv.causal.world import World


class Interval(NamedTuple):
    """What is known of some quantities (...)."""

    value: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]

    def holds(self, truth: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Return (...) whether each interval holds the truth."""
        return (self.low <= truth) & (truth <= self.high)


def simulated_errors(
    worlds: Sequence[World],
    play: Callable[[World, int], Any],
    fit: Callable[[Any, int], World],
    measure: Callable[[World, Any], NDArray[np.float64]],
) -> NDArray[np.float64]:
    """Return (K, ...) how far off each world's refit is: what it says less what the world says.

    Parameters
    ----------
    worlds
        The K worlds that were fitted to the real log.
    play
        (world, k) -> a log that comes about as the real one did.
    fit
        (log, k) -> a world, by the very procedure that made `worlds`.
    measure
        (world, log) -> the quantities (...). Policies that were made from the real log are to be made anew from this
        one: what they know of its users is part of the error.
    """
    errors: list[NDArray[np.float64]] = []
    for k, world in enumerate(worlds):
        log = play(world, k)
        errors.append(np.asarray(measure(fit(log, k), log)) - np.asarray(measure(world, log)))
    return np.array(errors)


def corrected(said: NDArray[np.floating], errors: NDArray[np.floating], level: float = 0.9) -> Interval:
    """Return the estimate less its bias, with an interval that holds the truth in a share `level` of all logs.

    Parameters
    ----------
    said
        (K, ...) what each world of an ensemble says.
    errors
        (K, ...) of `simulated_errors`; zeros correct nothing.
    level
        In (0, 1).

    Raises
    ------
    ValueError
        If the two differ in shape, there are fewer than 2 worlds, or the level is not in (0, 1).
    """
    from scipy.stats import t

    said, errors = np.asarray(said, np.float64), np.asarray(errors, np.float64)
    if said.shape != errors.shape or len(said) < 2:
        raise ValueError(
            f"said and errors must have one row for each of 2 or more worlds, got shapes {said.shape} and "
            f"{errors.shape}: refit every world that speaks"
        )
    if not 0.0 < level < 1.0:
        raise ValueError(f"level must be in (0, 1), got {level}")
    count = len(said)
    value = said.mean(0) - errors.mean(0)
    spread = np.sqrt((1 + 1 / count) * said.var(0, ddof=1) + errors.var(0, ddof=1) / count)
    reach = t.ppf(0.5 + level / 2, count - 1) * spread
    return Interval(value, value - reach, value + reach)
