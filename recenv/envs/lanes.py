"""The noise of up to `LANES` shown items at once: the scalar equations in short loops that the compiler vectorises.

A user's step is a long chain of arithmetic, memory and decisions. Taken as a whole the compiler cannot work on two
users at once, nor the processor look ahead to the next. So a block of users is taken stage by stage: addresses are
gathered, noise is made by straight arithmetic, several users an instruction, then decisions follow user by user.

Scratch memory holds a row of `LANES` numbers for each name below: one array for whole numbers, one for float64. Fixed
distances between the rows tell the compiler that they do not overlap.
"""

import numpy as np

from recenv.causal.compiled import jit, jit_apart, jit_merged
from recenv.causal.equations.leaving import leaves
from recenv.causal.equations.opinion import (
    click_normal,
    logistic_from_normal,
    normal_from_logistic,
    opinion_normal,
)
from recenv.causal.equations.organic import discovered
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
from recenv.causal.pairs import may_be_logged, pair_row
from recenv.envs.memory import private, read_ahead
from recenv.envs.response import MULTINOMIAL, POSITION, utilities_of
from recenv.envs.wide import row_dot

LANES = 64
"""Shown items a block: enough to fill vectors, few enough that scratch memory stays in the first cache."""

USER, STEP, SEED, EPISODE, ITEM, PLACE, SUSPECT, LIVE, LIKED, BEGUN, NEXT = (row * LANES for row in range(11))
"""Rows of `keys` (uint32): the address of the noise, and lists: which lanes may hold a logged pair; the slots that take
a step, which of these like an item, the slots that begin an episode and their users (see `recenv.envs.blocks`)."""
KEYS = 11 * LANES

(
    E_RATE,
    Z_RATE,
    E_CLICK,
    POPULARITY,
    LOOKED_AT,
    FOUND,
    SEEN,
    SWING,
    N_MOOD,
    U_LEAVE,
    NEW_E,
    NEW_Z,
    CONSUMED,
    FELT,
    TRUST,
) = (row * LANES for row in range(15))
"""Rows of `values` (float64). Of items: noise of opinion and click, popularity, probability that the position is
examined, whether the item is discovered and the position examined (1 or 0), opinions before the log is asked. Of users:
effect of the mood, noise of mood and leaving; items consumed, what was felt, and the trust after it."""
VALUES = 15 * LANES


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
def gather_items(order, first, place, count, actions, looked_at, world, state, rules, keys, values):  # type: ignore[no-untyped-def]
    """Put the addresses of `count` shown items into the rows, and the noise of logged pairs (NaN for the others).

    `place` is where they begin among the positions of the block's slates, counted through.
    """
    slate = actions.shape[1]
    j, k = first + place // slate, place % slate
    suspects = 0
    for lane in range(count):
        i = order[j]
        slot = state.slot[i]
        user = np.uintp(slot["user"])
        item = np.uintp(max(actions[i, k], 0))
        keys[USER + lane] = np.uint32(user)
        keys[STEP + lane] = np.uint32(slot["step"])
        keys[SEED + lane] = slot["seed"]
        keys[EPISODE + lane] = slot["episode"]
        keys[ITEM + lane] = np.uint32(item)
        keys[PLACE + lane] = np.uint32(k)
        keys[SUSPECT + suspects] = np.uint32(lane)
        suspects += 1 if rules["hybrid"] and may_be_logged(world.pair_filter, user, item) else 0
        values[E_RATE + lane] = np.nan
        values[Z_RATE + lane] = np.nan
        values[POPULARITY + lane] = world.item[item]["popularity"]
        read_ahead(world.topics, np.intp(world.item[item]["topics_from"]) * world.topics.strides[0])
        values[LOOKED_AT + lane] = looked_at[k]
        values[SEEN + lane] = 1.0
        k += 1
        if k == slate:
            j, k = j + 1, 0
    recall(suspects, world, keys, values)


@jit_merged
def recall(suspects, world, keys, values):  # type: ignore[no-untyped-def]
    """Look up the pairs that may be logged, in three loops, so that one search need not wait for the other."""
    for j in range(suspects):
        lane = np.uintp(keys[SUSPECT + j])
        row = pair_row(world.pair_start, world.pair_item, np.uintp(keys[USER + lane]), np.int64(keys[ITEM + lane]))
        values[NEW_E + j] = world.pair_noise[row] if row >= 0 else np.nan
    for j in range(padded(suspects)):
        values[NEW_Z + j] = normal_from_logistic(values[NEW_E + j])
    for j in range(suspects):
        lane = np.uintp(keys[SUSPECT + j])
        values[E_RATE + lane], values[Z_RATE + lane] = values[NEW_E + j], values[NEW_Z + j]


@jit_merged
def form_opinions(count, dials, rules, keys, values):  # type: ignore[no-untyped-def]
    """Make e_rate and z_rate of the items whose pair was not logged."""
    low, high = rules["world_low"], rules["world_high"]
    for j in range(count):
        values[NEW_E + j] = opinion_uniform(low, high, keys[USER + j], keys[ITEM + j], OPINION)
    if dials["noise_correlation"] == 0.0:
        normal_quantiles(count, values, NEW_E, NEW_Z)
        for j in range(count):
            values[NEW_E + j] = logistic_quantile(values[NEW_E + j])
    else:
        for j in range(count):
            shared = opinion_uniform(low, high, keys[USER + j], np.uint32(0), SHARED_OPINION)
            values[NEW_Z + j] = opinion_normal(values[NEW_E + j], shared, dials)
        logistics_from_normals(count, values, NEW_Z, NEW_E)
    for j in range(count):
        e_rate, z_rate = values[E_RATE + j], values[Z_RATE + j]
        values[E_RATE + j] = e_rate if e_rate == e_rate else values[NEW_E + j]
        values[Z_RATE + j] = z_rate if e_rate == e_rate else values[NEW_Z + j]  # exp has no NaN: z_rate never is one


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
        values[FOUND + j] = 1.0 if discovered(values[FOUND + j], values[POPULARITY + j], dials) else 0.0
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
def look(count, dials, keys, values):  # type: ignore[no-untyped-def]
    """Decide which positions a position-based user examines."""
    for j in range(count):
        u, _ = uniform_pair(
            keys[SEED + j], keys[EPISODE + j], keys[USER + j], keys[STEP + j], keys[PLACE + j], EXAMINATION
        )
        values[SEEN + j] = 1.0 if u < values[LOOKED_AT + j] else 0.0


@jit_merged
def park(order, first, place, count, actions, world, state, dials, values, outcome):  # type: ignore[no-untyped-def]
    """Write the utilities of the shown items into their rows of `outcome`, with what is found and seen."""
    slate = actions.shape[1]
    j, k = first + place // slate, place % slate
    for lane in range(count):
        i = order[j]
        item = np.uintp(max(actions[i, k], 0))
        affinity = row_dot(state.taste, i, world.embedding, item)
        e_click, e_rate, swing = values[E_CLICK + lane], values[E_RATE + lane], values[SWING + j - first]
        y, x = utilities_of(affinity, i, item, e_click, e_rate, swing, world, state, dials)
        row = outcome[i, k]
        row["attraction"], row["satisfaction"] = y, x
        row["organic"], row["examined"] = values[FOUND + lane] != 0.0, values[SEEN + lane] != 0.0
        k += 1
        if k == slate:
            j, k = j + 1, 0


@jit_merged
def padded(count):  # type: ignore[no-untyped-def]
    """Return how many lanes to compute for `count`: whole vectors, as the rest would be done one by one; 1 stays 1."""
    return count if count == 1 else (count + 7) // 8 * 8


@jit_apart
def feel_block(order, first, count, actions, looked_at, world, state, dials, rules, keys, values, outcome):  # type: ignore[no-untyped-def]
    """Write into `outcome` what `count` users feel about the items that they are shown, from slot `first` on."""
    dials, rules = private(dials), private(rules)
    gather_users(order, first, count, state, keys, values)
    move_users(padded(count), dials, keys, values)
    shown = count * actions.shape[1]
    for place in range(0, shown, LANES):
        lanes = min(LANES, shown - place)
        gather_items(order, first, place, lanes, actions, looked_at, world, state, rules, keys, values)
        whole = padded(lanes)
        form_opinions(whole, dials, rules, keys, values)
        be_attracted(whole, dials, keys, values)
        if actions.shape[1] > 1 and dials["choice"] == POSITION:
            look(whole, dials, keys, values)
        park(order, first, place, lanes, actions, world, state, dials, values, outcome)


@jit_merged
def decide_leaving(count, dials, values):  # type: ignore[no-untyped-def]
    """Turn the noise of leaving of each user into the decision, 1 or 0, given the trust after the step."""
    for j in range(count):
        values[U_LEAVE + j] = 1.0 if leaves(values[U_LEAVE + j], values[TRUST + j], dials) else 0.0
