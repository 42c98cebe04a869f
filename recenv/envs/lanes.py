"""The noise of up to `LANES` shown items at once: the scalar equations in short loops that the compiler vectorises.

A user's step is a long chain of arithmetic, memory and decisions. Taken as a whole the compiler cannot work on two
users at once, nor the processor look ahead to the next. So a block of users is taken stage by stage: addresses are
gathered, noise is made by straight arithmetic, several users an instruction, then decisions follow user by user.

Scratch memory holds a row of `LANES` numbers for each name below: one array for whole numbers, one for float64. Fixed
distances between the rows tell the compiler that they do not overlap.
"""

import numpy as np

from recenv.causal.compiled import jit, jit_apart, jit_merged
from recenv.causal.equations.funnel import clicked
from recenv.causal.equations.leaving import leaves
from recenv.causal.equations.opinion import (
    click_normal,
    logistic_from_normal,
    normal_from_logistic,
    opinion_normal,
)
from recenv.causal.equations.organic import discovered
from recenv.causal.equations.rating import passes
from recenv.causal.equations.satisfaction import mood_swing
from recenv.causal.noise import (
    CHOICE,
    CLICK,
    EXAMINATION,
    OPINION,
    PASSAGE,
    SHARED_OPINION,
    gumbel_quantile,
    logistic_quantile,
    normal_quantile,
    opinion_uniform,
    uniform_pair,
)
from recenv.causal.pairs import may_be_logged
from recenv.envs.memory import private, read_ahead
from recenv.envs.ranks import row_of_pair
from recenv.envs.response import MULTINOMIAL, POSITION, reactions, utilities_of
from recenv.envs.wide import row_dot

LANES = 80
"""Shown items a block: whole vectors also for eight slates of ten, few enough that scratch stays in the first cache."""

(
    USER,
    STEP,
    SEED,
    EPISODE,
    ITEM,
    PLACE,
    SUSPECT,
    LEVEL,
    CLICKED,
    PURCHASED,
    CONSUMED_IT,
    LIKED_IT,
    ORGANIC,
    UPLIFT,
    LIVE,
    LIKED,
    BEGUN,
    NEXT,
) = (row * LANES for row in range(18))
"""Rows of `keys` (uint32): the address of the noise; responses; lists: which lanes hold a logged pair; the slots that
take a step, which of these like an item, the slots that begin an episode and their users (see `recenv.envs.blocks`)."""
KEYS = 18 * LANES

(
    E_RATE,
    Z_RATE,
    E_CLICK,
    FINDABLE,
    LOOKED_AT,
    FOUND,
    SEEN,
    SWING,
    N_MOOD,
    U_LEAVE,
    LOGGED,
    LOGGED_Z,
    CONSUMED,
    FELT,
    TRUST,
    Y,
    X,
) = (row * LANES for row in range(17))
"""Rows of `values` (float64). Of items: noise of opinion and click, sigmoid(pop), probability that the position is
examined, whether the item is discovered and the position examined (1 or 0), opinions that the log holds. Of users:
effect of the mood, noise of mood and leaving; items consumed, what was felt, and the trust after it.
Of items again: attraction and satisfaction."""
VALUES = 17 * LANES


@jit_merged
def gather_users(order, first, count, state, keys, values):  # type: ignore[no-untyped-def]
    """Put the addresses of `count` slots, from `first` in `order` on, into the rows."""
    for j in range(count):
        slot = state.slot[order[first + j]]
        keys[USER + j] = np.uint32(slot["user"])
        keys[STEP + j] = np.uint32(slot["step"])
        keys[SEED + j] = slot["seed"]
        keys[EPISODE + j] = slot["episode"]
        values[SWING + j] = slot["mood"]


@jit_merged
def move_users(count, dials, keys, values):  # type: ignore[no-untyped-def]
    """Make what each user brings to the step: the mood's effect, and the noise of mood and leaving."""
    for j in range(count):
        values[N_MOOD + j], values[U_LEAVE + j] = uniform_pair(
            keys[SEED + j], keys[EPISODE + j], keys[USER + j], keys[STEP + j], np.uint32(0), PASSAGE
        )
    normal_quantiles(count, values, N_MOOD, N_MOOD)
    for j in range(count):
        values[SWING + j] = mood_swing(values[SWING + j], dials)


@jit_merged
def gather_items(order, first, place, count, actions, world, state, rules, keys, values):  # type: ignore[no-untyped-def]
    """Put the addresses of `count` shown items into the rows; return how many of them were logged.

    `place` is where they begin among the positions of the block's slates, counted through. The noise of the logged ones
    is fetched meanwhile.
    """
    slate = actions.shape[1]
    j, k = first + place // slate, place % slate
    i, user = np.uint64(0), np.uintp(0)
    step = seed = episode = np.uint32(0)
    suspects = 0
    for lane in range(count):
        if lane == 0 or k == 0:
            i = order[np.uintp(j)]
            user, step = np.uintp(state.slot[i]["user"]), np.uint32(state.slot[i]["step"])
            seed, episode = state.slot[i]["seed"], state.slot[i]["episode"]
        item = np.uintp(max(actions[i, np.uintp(k)], 0))
        keys[USER + lane], keys[STEP + lane], keys[SEED + lane], keys[EPISODE + lane] = (
            np.uint32(user),
            step,
            seed,
            episode,
        )
        keys[ITEM + lane] = np.uint32(item)
        keys[SUSPECT + suspects] = np.uint32(lane)
        suspects += 1 if rules["hybrid"] and may_be_logged(world.pair_filter, user, item) else 0
        values[FINDABLE + lane] = world.item[item]["findable"]
        read_ahead(world.topics, np.intp(world.item[item]["topics_from"]) * world.topics.strides[0])
        k += 1
        if k == slate:
            j, k = j + 1, 0
    return look_up(suspects, world, keys, values)


@jit_merged
def look_up(suspects, world, keys, values):  # type: ignore[no-untyped-def]
    """Fetch the noise of the pairs that were logged, list their lanes, and return how many they are."""
    known = 0
    for j in range(suspects):
        lane = np.uintp(keys[SUSPECT + j])
        row = row_of_pair(world, np.uintp(keys[USER + lane]), np.uintp(keys[ITEM + lane]))
        keys[SUSPECT + known] = np.uint32(lane)
        values[LOGGED + known] = world.pair_noise[max(row, 0)]
        known += 1 if row >= 0 else 0
    return known


@jit_merged
def form_opinions(count, known, dials, rules, keys, values):  # type: ignore[no-untyped-def]
    """Make e_rate and z_rate of the items; of those whose pair was logged they are known."""
    low, high = rules["world_low"], rules["world_high"]
    for j in range(count):
        values[E_RATE + j] = opinion_uniform(low, high, keys[USER + j], keys[ITEM + j], OPINION)
    if dials["noise_correlation"] == 0.0:
        normal_quantiles(count, values, E_RATE, Z_RATE)
        for j in range(count):
            values[E_RATE + j] = logistic_quantile(values[E_RATE + j])
    else:
        for j in range(count):
            shared = opinion_uniform(low, high, keys[USER + j], np.uint32(0), SHARED_OPINION)
            values[Z_RATE + j] = opinion_normal(values[E_RATE + j], shared, dials)
        logistics_from_normals(count, values, Z_RATE, E_RATE)
    for j in range(padded(known)):
        values[LOGGED_Z + j] = normal_from_logistic(values[LOGGED + j])
    for j in range(known):
        lane = np.uintp(keys[SUSPECT + j])
        values[E_RATE + lane], values[Z_RATE + lane] = values[LOGGED + j], values[LOGGED_Z + j]


@jit
def normal_quantiles(count, values, source, target):  # type: ignore[no-untyped-def]
    """Put the normal quantiles of one row into another."""
    for j in range(count):
        values[target + j] = normal_quantile(values[source + j])


@jit
def logistics_from_normals(count, values, source, target):  # type: ignore[no-untyped-def]
    """Put the logistic variables of one row of normal ones into another."""
    for j in range(count):
        values[target + j] = logistic_from_normal(values[source + j])


@jit_merged
def be_attracted(count, dials, keys, values):  # type: ignore[no-untyped-def]
    """Make e_click, and whether each item is discovered by itself."""
    for j in range(count):
        values[E_CLICK + j], values[FOUND + j] = uniform_pair(
            keys[SEED + j], keys[EPISODE + j], keys[USER + j], keys[STEP + j], keys[ITEM + j], CLICK
        )
    for j in range(count):
        values[FOUND + j] = 1.0 if discovered(values[FOUND + j], values[FINDABLE + j], dials) else 0.0
    if dials["choice"] == MULTINOMIAL:
        for j in range(count):
            u, _ = uniform_pair(
                keys[SEED + j], keys[EPISODE + j], keys[USER + j], keys[STEP + j], keys[ITEM + j], CHOICE
            )
            values[E_CLICK + j] = gumbel_quantile(u)
        return
    for j in range(count):
        values[E_CLICK + j] = click_normal(values[E_CLICK + j], values[Z_RATE + j], dials)
    logistics_from_normals(count, values, E_CLICK, E_CLICK)


@jit_merged
def look(place, count, looked_at, keys, values):  # type: ignore[no-untyped-def]
    """Decide which positions a position-based user examines; `looked_at` are their probabilities."""
    slate = looked_at.shape[0]
    k = place % slate
    for j in range(count):
        keys[PLACE + j], values[LOOKED_AT + j] = np.uint32(k), looked_at[np.uintp(k)]
        k = k + 1 if k + 1 < slate else 0
    for j in range(count):
        u, _ = uniform_pair(
            keys[SEED + j], keys[EPISODE + j], keys[USER + j], keys[STEP + j], keys[PLACE + j], EXAMINATION
        )
        values[SEEN + j] = 1.0 if u < values[LOOKED_AT + j] else 0.0


@jit_merged
def see_all(count, values):  # type: ignore[no-untyped-def]
    """Let every position be examined."""
    for j in range(count):
        values[SEEN + j] = 1.0


@jit_merged
def weigh(order, first, place, count, actions, world, state, dials, values):  # type: ignore[no-untyped-def]
    """Make the utilities (y, x) of the shown items."""
    slate = actions.shape[1]
    j, k = first + place // slate, place % slate
    i, swing = np.uint64(0), 0.0
    for lane in range(count):
        if lane == 0 or k == 0:
            i, swing = order[np.uintp(j)], values[np.uintp(SWING + j - first)]
        item = np.uintp(max(actions[i, np.uintp(k)], 0))
        affinity = row_dot(state.taste, i, world.embedding, item)
        e_click, e_rate = values[E_CLICK + lane], values[E_RATE + lane]
        values[Y + lane], values[X + lane] = utilities_of(
            affinity, i, item, e_click, e_rate, swing, world, state, dials
        )
        k += 1
        if k == slate:
            j, k = j + 1, 0


@jit_merged
def react(count, world, dials, rules, keys, values):  # type: ignore[no-untyped-def]
    """Turn utilities into responses, of positions that are examined as the row of SEEN says."""
    for j in range(count):
        keys[LEVEL + j] = 1
    for t in range(world.thresholds.shape[0]):
        threshold = world.thresholds[t]
        for j in range(count):
            keys[LEVEL + j] += np.uint32(1) if passes(values[X + j], threshold) else np.uint32(0)
    for j in range(count):
        seen, found, y = values[SEEN + j] != 0.0, values[FOUND + j] != 0.0, values[Y + j]
        clicked_it = dials["choice"] != MULTINOMIAL and clicked(seen, y, dials)
        bought, taken, liked, organic_it, lifted = reactions(keys[LEVEL + j], y, found, seen, clicked_it, dials, rules)
        keys[CLICKED + j], keys[PURCHASED + j] = np.uint32(clicked_it), np.uint32(bought)
        keys[CONSUMED_IT + j], keys[LIKED_IT + j] = np.uint32(taken), np.uint32(liked)
        keys[ORGANIC + j], keys[UPLIFT + j] = np.uint32(organic_it), np.uint32(lifted)


@jit_merged
def write_down(order, first, place, count, actions, world, keys, values, outcome):  # type: ignore[no-untyped-def]
    """Write the responses into their rows of `outcome`, as if no position were empty."""
    slate = actions.shape[1]
    j, k = first + place // slate, place % slate
    for lane in range(count):
        i = order[np.uintp(j)]
        row = outcome[i, np.uintp(k)]
        row["item"] = actions[i, np.uintp(k)]
        row["examined"] = values[SEEN + lane] != 0.0
        row["clicked"] = keys[CLICKED + lane] != 0
        row["purchased"] = keys[PURCHASED + lane] != 0
        row["consumed"] = keys[CONSUMED_IT + lane] != 0
        row["liked"] = keys[LIKED_IT + lane] != 0
        row["organic"] = keys[ORGANIC + lane] != 0
        row["uplift"] = keys[UPLIFT + lane] != 0
        row["level"] = keys[LEVEL + lane]
        row["rating"] = world.scale[np.uintp(keys[LEVEL + lane] - np.uint32(1))]
        row["attraction"], row["satisfaction"] = values[Y + lane], values[X + lane]
        k += 1
        if k == slate:
            j, k = j + 1, 0


@jit_merged
def padded(count):  # type: ignore[no-untyped-def]
    """Return how many lanes to compute for `count`: whole vectors, as the rest would be done one by one; 1 stays 1."""
    return count if count == 1 else (count + 7) // 8 * 8


@jit_apart
def feel_block(order, first, count, actions, looked_at, world, state, dials, rules, keys, values, outcome):  # type: ignore[no-untyped-def]
    """Write into `outcome` how `count` users respond to the items that they are shown, from slot `first` on.

    As if no position were empty and all were read: `show_slate` sees to empty ones, and to cascades, where a click ends
    the reading; whether an item would then be organic is asked of `organic` again.
    """
    dials, rules = private(dials), private(rules)
    gather_users(order, first, count, state, keys, values)
    move_users(padded(count), dials, keys, values)
    shown = count * actions.shape[1]
    for place in range(0, shown, LANES):
        lanes = min(LANES, shown - place)
        known = gather_items(order, first, place, lanes, actions, world, state, rules, keys, values)
        whole = padded(lanes)
        form_opinions(whole, known, dials, rules, keys, values)
        be_attracted(whole, dials, keys, values)
        if actions.shape[1] > 1 and dials["choice"] == POSITION:
            look(place, whole, looked_at, keys, values)
        else:
            see_all(whole, values)
        weigh(order, first, place, lanes, actions, world, state, dials, values)
        react(whole, world, dials, rules, keys, values)
        write_down(order, first, place, lanes, actions, world, keys, values, outcome)


@jit_merged
def decide_leaving(count, dials, values):  # type: ignore[no-untyped-def]
    """Turn the noise of leaving of each user into the decision, 1 or 0, given the trust after the step."""
    for j in range(count):
        values[U_LEAVE + j] = 1.0 if leaves(values[U_LEAVE + j], values[TRUST + j], dials) else 0.0
