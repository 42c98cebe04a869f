"""How one user responds to a slate: the structural equations of a step, for slot `i` alone."""

import numpy as np

from recenv.causal.compiled import jit, jit_apart, jit_merged
from recenv.causal.equations.attraction import attraction, attraction_unshown
from recenv.causal.equations.examination import examined_in_cascade, position_probability
from recenv.causal.equations.funnel import clicked, consumed, purchased
from recenv.causal.equations.opinion import (
    click_noise_of_normal,
    logistic_from_normal,
    normal_from_logistic,
    opinion_normal,
)
from recenv.causal.equations.organic import discovered, organic, uplift
from recenv.causal.equations.rating import rating_level
from recenv.causal.equations.satiation import match_between
from recenv.causal.equations.satisfaction import base_satisfaction, boredom_felt, mood_swing, satisfaction
from recenv.causal.equations.vectors import dot
from recenv.causal.noise import (
    CHOICE,
    CLICK,
    EXAMINATION,
    OPINION,
    SHARED_OPINION,
    gumbel_quantile,
    logistic_quantile,
    normal_quantile,
    opinion_uniform,
    uniform_pair,
)
from recenv.causal.pairs import find_pair

POSITION, CASCADE, MULTINOMIAL = 0.0, 1.0, 2.0
"""`Behaviour.choice` as a number."""
NO_CLICK = np.uint32(0xFFFFFFFF)
"""Item address of the no-click option."""


@jit_merged
def pair_noise(world, dials, rules, user, item):  # type: ignore[no-untyped-def]
    """Return (e_rate, z_rate) of a pair, abducted where it was logged, else from its own address.

    z_rate is the normal variable with the probability of e_rate.
    """
    if rules["hybrid"]:
        row = find_pair(world.pair_start, world.pair_item, world.pair_filter, user, np.int64(item))
        if row >= 0:
            return world.pair_noise[row], normal_from_logistic(world.pair_noise[row])
    low, high = rules["world_low"], rules["world_high"]
    u = opinion_uniform(low, high, user, item, OPINION)
    if dials["noise_correlation"] == 0.0:
        return logistic_quantile(u), normal_quantile(u)
    z_rate = opinion_normal(u, opinion_uniform(low, high, user, 0, SHARED_OPINION), dials)
    return logistic_from_normal(z_rate), z_rate


@jit_merged
def utilities(i, a, e_click, e_rate, swing, world, state, dials):  # type: ignore[no-untyped-def]
    """Return (y, x) of user i for item a in the current state, given the noise and the mood's effect."""
    affinity = dot(state.taste[i], world.embedding[a])
    return utilities_of(affinity, i, a, e_click, e_rate, swing, world, state, dials)


@jit_merged
def utilities_of(affinity, i, a, e_click, e_rate, swing, world, state, dials):  # type: ignore[no-untyped-def]
    """Return the same, given taste . V[a]."""
    item = world.item[a]
    y = attraction(affinity, item["popularity"], e_click, dials)
    first, end = np.uintp(item["topics_from"]), np.uintp(item["topics_to"])
    bored = boredom_felt(match_between(state.satiation[i], world.topics, first, end), dials)
    base = base_satisfaction(affinity, world.user[np.uintp(state.slot[i]["user"])]["bias"], item["bias"])
    return y, satisfaction(base, bored, swing * item["comfort"], e_rate)


@jit
def respond(i, a, swing, world, state, dials, rules):  # type: ignore[no-untyped-def]
    """Return (y, x, found) of user i for item a in the current state, wherever it is shown."""
    slot = state.slot[i]
    user, a = np.uintp(slot["user"]), np.uintp(a)
    e_rate, z_rate = pair_noise(world, dials, rules, user, a)
    u_click, u_discovery = uniform_pair(slot["seed"], slot["episode"], user, slot["step"], a, CLICK)
    e_click = click_noise_of_normal(u_click, z_rate, dials)
    if dials["choice"] == MULTINOMIAL:
        u_choice, _ = uniform_pair(slot["seed"], slot["episode"], user, slot["step"], a, CHOICE)
        e_click = gumbel_quantile(u_choice)
    y, x = utilities(i, a, e_click, e_rate, swing, world, state, dials)
    return y, x, discovered(u_discovery, world.item[a]["findable"], dials)


@jit_merged
def looked_at(i, k, state, dials):  # type: ignore[no-untyped-def]
    """Say whether a position-based user examines position k; its noise is addressed by the position."""
    p = position_probability(k, dials)
    if p >= 1.0:
        return True
    slot = state.slot[i]
    u, _ = uniform_pair(slot["seed"], slot["episode"], slot["user"], slot["step"], k, EXAMINATION)
    return u < p


@jit
def feel(i, actions, world, state, dials, rules, outcome):  # type: ignore[no-untyped-def]
    """Write into outcome[i] what user i feels about each item of the slate, found by itself or not, seen or not.

    `recenv.envs.lanes` does the same for many users at once.
    """
    swing = mood_swing(state.slot[i]["mood"], dials)
    for k in range(actions.shape[1]):
        row = outcome[i, k]
        y, x, found = respond(i, max(actions[i, k], 0), swing, world, state, dials, rules)
        row["attraction"], row["satisfaction"] = y, x
        row["organic"], row["examined"] = found, dials["choice"] != POSITION or looked_at(i, k, state, dials)


@jit_merged
def is_empty(i, k, a, actions, state, rules):  # type: ignore[no-untyped-def]
    """Say whether position k shows nothing: no item, one that stands further up, or one shown before in the episode."""
    empty = a < 0
    for j in range(k):
        empty |= actions[i, j] == a
    if not rules["repeat"]:
        item = np.int32(a)
        # Without an early end, many at a glance; -1 stands from the last one shown on. A length that stays the same for
        # 32 positions is guessed right.
        shown = (state.slot[i]["step"] * actions.shape[1] + 31) & ~31
        for j in range(min(shown, state.shown.shape[1])):
            empty |= state.shown[i, j] == item
    return empty


@jit_merged
def is_examined(k, dials, seen, examined_before, clicked_before):  # type: ignore[no-untyped-def]
    """Say whether position k is looked at: by its own noise, or after the one before."""
    if dials["choice"] == CASCADE:
        return k == 0 or examined_in_cascade(examined_before, clicked_before)
    return seen


@jit_merged
def reactions(level, y, found, examined, clicked_it, dials, rules):  # type: ignore[no-untyped-def]
    """Return (purchased, consumed, liked, organic, uplift) of a shown item."""
    taken = consumed(True, clicked_it, dials)
    organic_it = organic(examined, found, attraction_unshown(y, dials), dials)
    liked = taken and level >= rules["like_level"]
    return purchased(clicked_it, y, dials), taken, liked, organic_it, uplift(organic_it, clicked_it)


@jit
def fill_outcome(row, a, y, x, found, examined, clicked_it, world, dials, rules):  # type: ignore[no-untyped-def]
    """Write one response, given its utilities and whether it is found by itself, examined and clicked.

    `recenv.envs.lanes` does the same for many items at once.
    """
    level = rating_level(x, world.thresholds)
    bought, taken, liked, organic_it, lifted = reactions(level, y, found, examined, clicked_it, dials, rules)
    row["item"] = a
    row["examined"] = examined
    row["clicked"] = clicked_it
    row["purchased"] = bought
    row["consumed"] = taken
    row["liked"] = liked
    row["organic"] = organic_it
    row["uplift"] = lifted
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


@jit_merged
def show_slate(i, written, actions, world, state, dials, rules, outcome):  # type: ignore[no-untyped-def]
    """Turn what user i feels about the slate (see `feel`) into the response, in place; no clicks in a multinomial.

    `written`: the responses are there (see `recenv.envs.lanes`), but those of positions that show nothing.
    """
    examined_before, clicked_before = True, False
    for k in range(actions.shape[1]):
        a = actions[i, k]
        row = outcome[i, k]
        if is_empty(i, k, a, actions, state, rules):
            fill_empty(row)
            continue
        if written:
            continue
        y, x, found = row["attraction"], row["satisfaction"], row["organic"]
        examined = is_examined(k, dials, row["examined"], examined_before, clicked_before)
        clicked_it = dials["choice"] != MULTINOMIAL and clicked(examined, y, dials)
        fill_outcome(row, a, y, x, found, examined, clicked_it, world, dials, rules)
        examined_before, clicked_before = examined, clicked_it


@jit_apart
def choose_one(i, world, state, dials, rules, outcome):  # type: ignore[no-untyped-def]
    """Multinomial logit: click the item with the largest y + Gumbel, unless the no-click option is larger."""
    slot = state.slot[i]
    u, _ = uniform_pair(slot["seed"], slot["episode"], slot["user"], slot["step"], NO_CLICK, CHOICE)
    best, best_y = -1, gumbel_quantile(u)
    for k in range(outcome.shape[1]):
        if outcome[i, k]["item"] >= 0 and outcome[i, k]["attraction"] > best_y:
            best, best_y = k, outcome[i, k]["attraction"]
    chosen = best >= 0
    if chosen:
        row = outcome[i, best]
        a = np.int64(row["item"])
        _, u = uniform_pair(slot["seed"], slot["episode"], slot["user"], slot["step"], a, CLICK)
        found = discovered(u, world.item[a]["findable"], dials)
        fill_outcome(row, a, row["attraction"], row["satisfaction"], found, chosen, chosen, world, dials, rules)


@jit_merged
def clicked_alone(i, y, state, dials):  # type: ignore[no-untyped-def]
    """Say whether an item is clicked when nothing else is shown: above the threshold, or above no click at all."""
    if dials["choice"] == MULTINOMIAL:
        slot = state.slot[i]
        u, _ = uniform_pair(slot["seed"], slot["episode"], slot["user"], slot["step"], NO_CLICK, CHOICE)
        return y > gumbel_quantile(u)
    return clicked(True, y, dials)
