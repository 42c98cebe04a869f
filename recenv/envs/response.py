"""How one user responds to a slate: the structural equations of a step, for slot `i` alone."""

import numpy as np

from recenv.causal.compiled import jit, jit_apart
from recenv.causal.equations.attraction import attraction, attraction_unshown
from recenv.causal.equations.examination import examined_in_cascade, position_probability
from recenv.causal.equations.funnel import clicked, consumed, purchased
from recenv.causal.equations.opinion import click_noise_of_normal, normal_from_logistic, opinion_noise
from recenv.causal.equations.organic import discovered, organic, uplift
from recenv.causal.equations.rating import rating_level
from recenv.causal.equations.satiation import satiation_match
from recenv.causal.equations.satisfaction import base_satisfaction, boredom_felt, mood_felt, satisfaction
from recenv.causal.equations.vectors import dot
from recenv.causal.noise import (
    CHOICE,
    CLICK,
    EXAMINATION,
    OPINION,
    SHARED_OPINION,
    gumbel_quantile,
    normal_quantile,
    opinion_uniform,
    uniform_pair,
)
from recenv.causal.pairs import find_pair

POSITION, CASCADE, MULTINOMIAL = 0.0, 1.0, 2.0
"""`Behaviour.choice` as a number."""
NO_CLICK = np.uint32(0xFFFFFFFF)
"""Item address of the no-click option."""


@jit
def pair_noise(world, dials, rules, user, item):  # type: ignore[no-untyped-def]
    """Return (e_rate, z_rate) of a pair, abducted where it was logged, else from its own address.

    z_rate is the normal variable with the probability of e_rate; it is 0 where no coupling asks for it.
    """
    coupled = dials["coupling"] != 0.0
    if rules["hybrid"]:
        row = find_pair(world.pair_start, world.pair_item, world.pair_filter, user, np.int64(item))
        if row >= 0:
            e_rate = world.pair_noise[row]
            return e_rate, normal_from_logistic(e_rate) if coupled else 0.0
    low, high = rules["world_low"], rules["world_high"]
    u = opinion_uniform(low, high, user, item, OPINION)
    if dials["noise_correlation"] == 0.0:  # the common case: both follow from the one uniform
        return opinion_noise(u, 0.5, dials), normal_quantile(u) if coupled else 0.0
    e_rate = opinion_noise(u, opinion_uniform(low, high, user, 0, SHARED_OPINION), dials)
    return e_rate, normal_from_logistic(e_rate) if coupled else 0.0


@jit
def respond(i, a, world, state, dials, rules):  # type: ignore[no-untyped-def]
    """Return (y, x, u_discovery) of user i for item a in the current state, wherever it is shown."""
    user = np.uintp(state.slot[i]["user"])
    a = np.uintp(a)
    affinity = dot(state.taste[i], world.embedding[a])
    e_rate, z_rate = pair_noise(world, dials, rules, user, a)
    u_click, u_discovery = uniform_pair(
        state.slot[i]["seed"], state.slot[i]["episode"], user, state.slot[i]["step"], a, CLICK
    )
    if dials["choice"] == MULTINOMIAL:
        u_choice, _ = uniform_pair(
            state.slot[i]["seed"], state.slot[i]["episode"], user, state.slot[i]["step"], a, CHOICE
        )
        e_click = gumbel_quantile(u_choice)
    else:
        e_click = click_noise_of_normal(u_click, z_rate, dials)
    y = attraction(affinity, world.item[a]["popularity"], e_click, dials)
    bored = 0.0
    if dials["boredom"] != 0.0:
        topics = world.topics[world.item[a]["topics_from"] : world.item[a]["topics_to"]]
        bored = boredom_felt(satiation_match(state.satiation[i], topics), dials)
    moved = mood_felt(state.slot[i]["mood"], world.item[a]["comfort"], dials)
    base = base_satisfaction(affinity, world.user[user]["bias"], world.item[a]["bias"])
    return y, satisfaction(base, bored, moved, e_rate), u_discovery


@jit
def is_empty(i, k, a, actions, state, rules):  # type: ignore[no-untyped-def]
    """Say whether position k shows nothing: no item, one that stands further up, or one shown before in the episode."""
    if a < 0:
        return True
    for j in range(k):
        if actions[i, j] == a:
            return True
    if not rules["repeat"]:
        for j in range(state.slot[i]["step"] * actions.shape[1]):
            if state.shown[i, j] == a:
                return True
    return False


@jit
def is_examined(i, k, state, dials, examined_before, clicked_before):  # type: ignore[no-untyped-def]
    """Say whether position k is looked at; its noise is addressed by the position."""
    if dials["choice"] == MULTINOMIAL:
        return True
    if dials["choice"] == CASCADE:
        return k == 0 or examined_in_cascade(examined_before, clicked_before)
    p = position_probability(k, dials)
    if p >= 1.0:
        return True
    u, _ = uniform_pair(
        state.slot[i]["seed"], state.slot[i]["episode"], state.slot[i]["user"], state.slot[i]["step"], k, EXAMINATION
    )
    return u < p


@jit
def fill_outcome(row, a, y, x, u_discovery, examined, clicked_it, world, dials, rules):  # type: ignore[no-untyped-def]
    """Write one response, given its attraction, its satisfaction and whether it is examined and clicked."""
    level = rating_level(x, world.thresholds)
    found = discovered(u_discovery, world.item[a]["popularity"], dials)
    organic_it = organic(examined, found, attraction_unshown(y, dials), dials)
    taken = consumed(True, clicked_it, dials)
    row["item"] = a
    row["examined"] = examined
    row["clicked"] = clicked_it
    row["purchased"] = purchased(clicked_it, y, dials)
    row["consumed"] = taken
    row["liked"] = taken and level >= rules["like_level"]
    row["organic"] = organic_it
    row["uplift"] = uplift(organic_it, clicked_it)
    row["level"] = level
    row["rating"] = world.scale[level - 1]
    row["attraction"] = y
    row["satisfaction"] = x


@jit_apart
def fill_empty(row):  # type: ignore[no-untyped-def]
    """Write the outcome of an empty position."""
    row["item"] = -1
    row["examined"] = False
    row["clicked"] = False
    row["purchased"] = False
    row["consumed"] = False
    row["liked"] = False
    row["organic"] = False
    row["uplift"] = False
    row["level"] = 0
    row["rating"] = 0.0
    row["attraction"] = 0.0
    row["satisfaction"] = 0.0


@jit
def show_slate(i, actions, world, state, dials, rules, outcome):  # type: ignore[no-untyped-def]
    """Write the user's response to the slate actions[i] into outcome[i]."""
    examined_before, clicked_before = True, False
    for k in range(actions.shape[1]):
        a = actions[i, k]
        row = outcome[i, k]
        if is_empty(i, k, a, actions, state, rules):
            fill_empty(row)
            continue
        y, x, u_discovery = respond(i, a, world, state, dials, rules)
        examined = is_examined(i, k, state, dials, examined_before, clicked_before)
        clicked_it = examined and dials["choice"] != MULTINOMIAL and clicked(examined, y, dials)
        fill_outcome(row, a, y, x, u_discovery, examined, clicked_it, world, dials, rules)
        examined_before, clicked_before = examined, clicked_it
    if dials["choice"] == MULTINOMIAL:
        choose_one(i, world, state, dials, rules, outcome)


@jit_apart
def choose_one(i, world, state, dials, rules, outcome):  # type: ignore[no-untyped-def]
    """Multinomial logit: click the item with the largest y + Gumbel, unless the no-click option is larger."""
    u, u_discovery = uniform_pair(
        state.slot[i]["seed"], state.slot[i]["episode"], state.slot[i]["user"], state.slot[i]["step"], NO_CLICK, CHOICE
    )
    best, best_y = -1, gumbel_quantile(u)
    for k in range(outcome.shape[1]):
        if outcome[i, k]["item"] >= 0 and outcome[i, k]["attraction"] > best_y:
            best, best_y = k, outcome[i, k]["attraction"]
    if best >= 0:
        row = outcome[i, best]
        _, u_discovery = uniform_pair(
            state.slot[i]["seed"],
            state.slot[i]["episode"],
            state.slot[i]["user"],
            state.slot[i]["step"],
            row["item"],
            CLICK,
        )
        fill_outcome(
            row, row["item"], row["attraction"], row["satisfaction"], u_discovery, True, True, world, dials, rules
        )


@jit
def clicked_alone(i, y, state, dials):  # type: ignore[no-untyped-def]
    """Say whether an item is clicked when nothing else is shown: above the threshold, or above no click at all."""
    if dials["choice"] == MULTINOMIAL:
        u, _ = uniform_pair(
            state.slot[i]["seed"],
            state.slot[i]["episode"],
            state.slot[i]["user"],
            state.slot[i]["step"],
            NO_CLICK,
            CHOICE,
        )
        return y > gumbel_quantile(u)
    return clicked(True, y, dials)
