"""Thresholds under which a world, its mechanisms on, gives a log the ratings that it has.

A fit takes ratings as if no mechanism had been at work, so what boredom took from them is in the thresholds; with
boredom on it would be taken twice. A simulated log tells: with F the shares of ratings up to each level,

    tau_l <- tau_l + SLOPE (logit F_log(l) - logit F_simulated(l)),    a few times

which is indirect inference (Gourieroux, Monfort & Renault 1993, `gourieroux1993indirect`) with the shares of the levels
as auxiliary statistics. Assumption: the simulated log shows what the real one showed.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from recenv.causal.world import World

if TYPE_CHECKING:
    from recenv.data import RatingsLog

SLOPE = 1.2
"""A threshold moves more than the logit of a share: utilities differ between pairs, which flattens the response."""


def match_thresholds(
    world: World, log: RatingsLog, play: Callable[[World, int], RatingsLog], *, rounds: int = 3
) -> World:
    """Return the world with thresholds that give a simulated log the level shares of the real one.

    Parameters
    ----------
    world
        A world fitted to the log, its behaviour set.
    log
        The real log.
    play
        (world, round) -> a log that comes about as the real one did; another seed for each round.
    rounds
        Simulated logs.

    Raises
    ------
    ValueError
        If `rounds` is below 1, or a simulated log has no rating.
    """
    if rounds < 1:
        raise ValueError(f"rounds must be at least 1, got {rounds}")
    aim = _logits(log.rating, world.scale)
    for number in range(rounds):
        simulated = play(world, number)
        if not len(simulated):
            raise ValueError(f"play(world, {number}) gave a log without ratings: show what the real log showed")
        moved = world.thresholds + SLOPE * (aim - _logits(simulated.rating, world.scale))
        world = dataclasses.replace(world, thresholds=_ascending(moved))
    return world


def _logits(rating: NDArray[np.floating], scale: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return (L - 1,) logits of the shares of ratings up to each level, with half a rating more of each."""
    count = np.bincount(np.searchsorted(scale, rating), minlength=len(scale)) + 0.5
    upto = np.cumsum(count / count.sum())[:-1]
    logits: NDArray[np.float64] = np.log(upto / (1 - upto))
    return logits


def _ascending(thresholds: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the thresholds, apart where a step has made them meet."""
    apart = np.arange(len(thresholds)) * 1e-6
    return np.maximum.accumulate(thresholds - apart) + 2 * apart
