"""One step of many slots, a block at a time: the functions of `response` and `passage` in loops over the block.

Taken user by user, a step is a chain of decisions that the processor guesses and memory that it waits for. Here every
stage is a short loop of its own, who does something rare (begins an episode, likes an item) is listed first and then
worked through, and the table rows of the next block are asked for before this one is computed. The results are those
of `recenv.envs.loops.step_slot`, bit for bit.
"""

import numpy as np

from recenv.causal.compiled import jit_apart, jit_merged
from recenv.causal.equations.examination import position_probability
from recenv.causal.equations.satiation import fade
from recenv.causal.pairs import filter_place
from recenv.envs.lanes import (
    BEGUN,
    CONSUMED,
    FELT,
    LANES,
    LIKED,
    LIVE,
    N_MOOD,
    NEXT,
    TRUST,
    U_LEAVE,
    decide_leaving,
    feel_block,
)
from recenv.envs.loops import begin_episode, drawn_user, forget_results, keep_final, next_episode
from recenv.envs.memory import private, read_ahead, read_row_ahead
from recenv.envs.passage import end_step, fade_profiles, move_on, take_in, turn_taste
from recenv.envs.response import CASCADE, MULTINOMIAL, choose_one, show_slate
from recenv.envs.rules import NEXT_STEP, SAME_STEP


@jit_merged
def step_blocks(order, actions, world, state, dials, rules, out, keys, values, seen, copies):  # type: ignore[no-untyped-def]
    """Take one step of every slot in `order`, a block at a time, in scratch memory (see `recenv.envs.lanes`).

    `copies` (B, O) gets a copy of the observations while the first cache holds them; with no rows it does not.

    `order` (uint64) lists the slots: an index that cannot be negative spares the compiler wrap-around checks.
    """
    own_dials, own_rules = private(dials), private(rules)
    for k in range(seen.shape[0]):
        seen[k] = position_probability(k, own_dials)
    size = max(LANES // seen.shape[0], 1)
    read_block_ahead(order, np.int64(0), size, actions, world, state)
    for first in range(0, order.shape[0], size):
        count = min(size, order.shape[0] - first)
        read_block_ahead(order, first + size, size, actions, world, state)
        feel_block(order, first, count, actions, seen, world, state, dials, rules, keys, values, out.outcome)
        live = list_live(order, first, count, state, own_rules, keys, values)
        written = own_dials["choice"] != CASCADE
        for lane in range(live):
            i = np.uintp(keys[LIVE + lane])
            show_slate(i, written, actions, world, state, own_dials, own_rules, out.outcome)
        if own_dials["choice"] == MULTINOMIAL:
            for lane in range(live):
                choose_one(np.uintp(keys[LIVE + lane]), world, state, dials, rules, out.outcome)
        fade_together(order, first, count, state, own_dials)
        pass_time_together(live, actions, world, state, own_dials, own_rules, out, keys, values)
        decide_leaving(live, own_dials, values)
        ended = end_together(live, world, state, own_rules, out, keys, values)
        begin_together(count - live + ended, world, state, dials, rules, keys)
        for lane in range(count - live):
            forget_results(np.uintp(keys[BEGUN + lane]), out)
        if copies.shape[0] > 0:
            copy_rows(order, first, count, state.visible, copies)


@jit_merged
def copy_rows(order, first, count, rows, copies):  # type: ignore[no-untyped-def]
    """Copy rows of the listed slots."""
    for j in range(count):
        i = order[first + j]
        for column in range(rows.shape[1]):
            copies[i, column] = rows[i, column]


@jit_apart
def read_block_ahead(order, first, size, actions, world, state):  # type: ignore[no-untyped-def]
    """Ask the caches for the table rows of a block that is computed next; those of the slots follow in order anyway."""
    for j in range(first, min(first + size, order.shape[0])):
        i = order[j]
        user = np.uintp(state.slot[i]["user"])
        read_row_ahead(world.user, user)
        for k in range(actions.shape[1]):
            item = np.uintp(max(actions[i, k], 0))
            read_row_ahead(world.item, item)
            read_row_ahead(world.embedding, item)
            word, _ = filter_place(item, world.pair_filter.shape[1])
            read_ahead(world.pair_filter, np.intp(user) * world.pair_filter.strides[0] + 8 * word)


@jit_merged
def list_live(order, first, count, state, rules, keys, values):  # type: ignore[no-untyped-def]
    """List the slots of the block that take a step, and those that begin an episode instead; return how many step.

    The noise of mood and leaving moves along.
    """
    # A bare 0 would be taken for a constant at first, and what is called with it compiled for that too.
    live, begun = np.int64(0), np.int64(0)
    for j in range(count):
        i = order[first + j]
        begins = rules["autoreset"] == NEXT_STEP and state.slot[i]["done"]
        keys[LIVE + live] = keys[BEGUN + begun] = np.uint32(i)
        values[N_MOOD + live] = values[N_MOOD + j]
        values[U_LEAVE + live] = values[U_LEAVE + j]
        live += 0 if begins else 1
        begun += 1 if begins else 0
    return live


@jit_merged
def fade_together(order, first, count, state, dials):  # type: ignore[no-untyped-def]
    """Let the satiation of a block fade, of slots that lie side by side in one loop.

    It matters to nobody that those who begin an episode are among them: theirs is set to 0.
    """
    j = 0
    while j < count:
        i, n = order[first + j], 1
        while j + n < count and order[first + j + n] == i + np.uint64(n):
            n += 1
        rows = state.satiation[i : i + np.uint64(n)]
        fade(rows.reshape(n * rows.shape[1]), dials)
        j += n


@jit_apart
def pass_time_together(live, actions, world, state, dials, rules, out, keys, values):  # type: ignore[no-untyped-def]
    """Move the state of the listed users, whose satiation has faded, on: `recenv.envs.passage.pass_time` of each."""
    meets = dials["organic_rate"] > 0.0
    for lane in range(live):
        fade_profiles(np.uintp(keys[LIVE + lane]), world, state)
    liking = 0
    for lane in range(live):
        count, liked, felt = take_in(np.uintp(keys[LIVE + lane]), meets, actions, world, state, dials, rules, out)
        values[CONSUMED + lane], values[FELT + lane] = count, felt
        keys[LIKED + liking] = np.uint32(lane)
        liking += 1 if liked > 0 else 0
    for place in range(liking):
        liker = np.uintp(keys[LIKED + place])
        turn_taste(np.uintp(keys[LIVE + liker]), values[CONSUMED + liker], meets, world, state, dials, rules, out)
    for lane in range(live):
        i = np.uintp(keys[LIVE + lane])
        move_on(
            i,
            values[N_MOOD + lane],
            values[CONSUMED + lane],
            values[FELT + lane],
            meets,
            world,
            state,
            dials,
            rules,
            out,
        )
        values[TRUST + lane] = state.slot[i]["trust"]


@jit_merged
def end_together(live, world, state, rules, out, keys, values):  # type: ignore[no-untyped-def]
    """Write the results of the listed users; return how many of them begin their next episode within this step."""
    ended = 0
    for lane in range(live):
        i = np.uintp(keys[LIVE + lane])
        end_step(i, values[U_LEAVE + lane] != 0.0, world, state, rules, out)
        if rules["autoreset"] == SAME_STEP:
            keys[BEGUN + ended] = np.uint32(i)
            ended += 1 if state.slot[i]["done"] else 0
    for lane in range(ended):
        keep_final(np.uintp(keys[BEGUN + lane]), state, out)
    return ended


@jit_merged
def begin_together(begun, world, state, dials, rules, keys):  # type: ignore[no-untyped-def]
    """Begin the next episode of the listed slots; all users are drawn first, so that their rows are on the way."""
    for lane in range(begun):
        i = np.uintp(keys[BEGUN + lane])
        next_episode(i, state)
        user = drawn_user(i, world, state, rules)
        keys[NEXT + lane] = np.uint32(user)
        read_row_ahead(world.taste, user)
        read_row_ahead(world.user_features, user)
    for lane in range(begun):
        i = np.uintp(keys[BEGUN + lane])
        begin_episode(i, np.int64(keys[NEXT + lane]), world, state, dials, rules)
