"""Replay of the log alone: what a user answers is what that user once answered."""

from __future__ import annotations

import dataclasses

from recenv.causal.abduction import abduct
from recenv.causal.behaviour import Behaviour
from recenv.causal.world import World

NEVER = 1e6
"""Attraction that nothing reaches: a ratings log tells of no click, so none is made up."""


def replay_world(world: World) -> World:
    """Return the world in which every logged pair gives its logged rating, whenever it is shown.

    Every mechanism is off, nothing is held by `do`, nobody leaves and nothing is clicked; the opinion noise is abducted
    again for that, so it does not matter in which way the world's own was.

    Raises
    ------
    ValueError
        If the world has no logged ratings.
    """
    if not len(world.pairs):
        raise ValueError(
            f'world {world.name!r} has no logged ratings, which feedback="logged" replays: use feedback="simulated"'
        )
    still = dataclasses.replace(Behaviour.off(), tau_click=NEVER, tau_buy=NEVER)
    return abduct(dataclasses.replace(world, behaviour=still, held={}))
