"""What users consume without being shown it: of the whole catalogue, at most one item beside the slate a step.

The recommender neither shows nor sees it, yet it tires, pleases and disappoints like any other: it moves satiation,
taste and trust. Off unless `Behaviour.organic_rate` is set, and then compiled at its first use.
"""

import numpy as np

from recenv.causal.compiled import jit, jit_merged
from recenv.causal.equations.attraction import attraction_unshown
from recenv.causal.equations.organic import attracts_unshown, comes_across, item_met
from recenv.causal.equations.rating import rating_level
from recenv.causal.equations.satisfaction import mood_swing
from recenv.causal.noise import ORGANIC, uniform_pair
from recenv.envs.response import is_empty, respond

NOTHING = -1


@jit_merged
def meet(i, actions, world, state, dials, rules, elsewhere):  # type: ignore[no-untyped-def]
    """Write into elsewhere[i] which item slot i consumes beside the slate, and the level of its rating.

    The item has the same noise as if it were shown at this step, so it is consumed where it is attractive less the
    exposure. An item that the slate shows is no meeting: there `organic` says what the user would have done.
    """
    slot = state.slot[i]
    u_meeting, u_which = uniform_pair(slot["seed"], slot["episode"], slot["user"], slot["step"], np.uint32(0), ORGANIC)
    elsewhere[i]["item"], elsewhere[i]["level"] = NOTHING, 0
    if not comes_across(u_meeting, dials):
        return
    a = item_met(u_which, world.found_up_to)
    for k in range(actions.shape[1]):
        if actions[i, k] == a and not is_empty(i, k, a, actions, state, rules):
            return
    y, x, _ = respond(i, a, mood_swing(slot["mood"], dials), world, state, dials, rules)
    if attracts_unshown(attraction_unshown(y, dials), dials):
        elsewhere[i]["item"], elsewhere[i]["level"] = a, rating_level(x, world.thresholds)


@jit
def meet_all(order, actions, world, state, dials, rules, elsewhere):  # type: ignore[no-untyped-def]
    """Let every slot of `order` meet its item, before the slate changes the state."""
    for j in range(order.shape[0]):
        meet(order[j], actions, world, state, dials, rules, elsewhere)
