"""Episodes and steps of one slot: beginning, response, passage, reward.

Every function of `response`, `passage` and this file up to `begin_all` works on slot `i` alone. The GPU runs
`step_slot` in one thread a slot (`recenv.envs.gpu`), the CPU the same parts in loops over a block
(`recenv.envs.blocks`).
"""

import numpy as np

from recenv.causal.compiled import jit, jit_apart, jit_merged
from recenv.causal.equations.leaving import leaves
from recenv.causal.equations.satisfaction import mood_swing
from recenv.causal.noise import RESERVED_STEP, episode_user
from recenv.envs.elsewhere import meet
from recenv.envs.passage import end_step, hold_nodes, pass_time, passage, write_scalars
from recenv.envs.response import (
    MULTINOMIAL,
    choose_one,
    clicked_alone,
    feel,
    fill_empty,
    fill_outcome,
    respond,
    show_slate,
)
from recenv.envs.rules import NEXT_STEP, SAME_STEP


@jit_merged
def drawn_user(i, world, state, rules):  # type: ignore[no-untyped-def]
    """Return whose episode (seed[i], episode[i]) is."""
    return world.user[episode_user(state.slot[i]["seed"], state.slot[i]["episode"], rules["n_drawn"])]["drawn"]


@jit_apart
def begin_episode(i, user, world, state, dials, rules):  # type: ignore[no-untyped-def]
    """Start the episode (seed[i], episode[i]); a negative user is drawn from that key."""
    if user < 0:
        user = drawn_user(i, world, state, rules)
    state.slot[i]["user"] = user
    state.slot[i]["step"] = 0
    state.slot[i]["done"] = False
    for d in range(world.taste.shape[1]):
        state.taste[i, d] = world.taste[user, d]
    for g in range(state.satiation.shape[1]):
        state.satiation[i, g] = 0.0
    for j in range(state.shown.shape[1]):
        state.shown[i, j] = -1
        state.felt[i, j] = 0.0
    state.slot[i]["felt_sum"] = 0.0
    state.slot[i]["consumed_steps"] = 0.0
    features = world.user_features.shape[1]
    for f in range(features):
        state.visible[i, f] = world.user_features[user, f]
    for f in range(features, state.visible.shape[1]):
        state.visible[i, f] = 0.0
    write_scalars(i, 0.0, world, state, rules)
    state.slot[i]["trust"] = rules["trust_start"]
    state.slot[i]["mood"], _ = passage(state.slot[i]["seed"], state.slot[i]["episode"], user, RESERVED_STEP)
    hold_nodes(i, state, dials)


@jit
def step_slot(i, actions, world, state, dials, rules, out):  # type: ignore[no-untyped-def]
    """Take one step of slot i, and start its next episode where the autoreset rule says so."""
    slot = state.slot[i]
    n_mood, u_leave = passage(slot["seed"], slot["episode"], slot["user"], slot["step"])
    if dials["organic_rate"] > 0.0:
        meet(i, actions, world, state, dials, rules, out.elsewhere)
    feel(i, actions, world, state, dials, rules, out.outcome)
    answer(i, n_mood, actions, world, state, dials, rules, out)
    conclude(i, leaves(u_leave, state.slot[i]["trust"], dials), world, state, dials, rules, out)


@jit_merged
def answer(i, n_mood, actions, world, state, dials, rules, out):  # type: ignore[no-untyped-def]
    """Respond to the slate by what was felt about it and move the state on, or begin the next episode if it is over."""
    if rules["autoreset"] == NEXT_STEP and state.slot[i]["done"]:
        begin_anew(i, -1, world, state, dials, rules, out)
        return
    show_slate(i, False, actions, world, state, dials, rules, out.outcome)
    if dials["choice"] == MULTINOMIAL:
        choose_one(i, world, state, dials, rules, out.outcome)
    pass_time(i, n_mood, actions, world, state, dials, rules, out)


@jit_apart
def begin_anew(i, user, world, state, dials, rules, out):  # type: ignore[no-untyped-def]
    """Begin the next episode of slot i, with empty results."""
    forget_results(i, out)
    next_episode(i, state)
    begin_episode(i, user, world, state, dials, rules)


@jit_merged
def forget_results(i, out):  # type: ignore[no-untyped-def]
    """Empty the results of slot i."""
    for k in range(out.outcome.shape[1]):
        fill_empty(out.outcome[i, k])
    out.result[i]["reward"] = 0.0
    out.result[i]["terminated"] = False
    out.result[i]["truncated"] = False
    out.elsewhere[i]["item"] = -1
    out.elsewhere[i]["level"] = 0


@jit_merged
def next_episode(i, state):  # type: ignore[no-untyped-def]
    """Count slot i's episodes on."""
    # Seeding leaves an episode at 2**32 - 1, and the first is 0: in 64 bits it wraps alike compiled and interpreted.
    state.slot[i]["episode"] = np.uint32((np.uint64(state.slot[i]["episode"]) + np.uint64(1)) & np.uint64(0xFFFFFFFF))


@jit_merged
def conclude(i, left, world, state, dials, rules, out):  # type: ignore[no-untyped-def]
    """End the step of slot i; `left` says whether the user leaves."""
    if state.slot[i]["step"] == 0:  # this step began the episode
        return
    end_step(i, left, world, state, rules, out)
    if rules["autoreset"] == SAME_STEP and state.slot[i]["done"]:
        keep_final(i, state, out)
        next_episode(i, state)
        begin_episode(i, -1, world, state, dials, rules)


@jit_apart
def keep_final(i, state, out):  # type: ignore[no-untyped-def]
    """Keep what the agent saw last of an episode before the next one overwrites it."""
    for f in range(state.visible.shape[1]):
        out.final_observation[i, f] = state.visible[i, f]
    for j in range(state.shown.shape[1]):
        out.final_shown[i, j] = state.shown[i, j]
        out.final_felt[i, j] = state.felt[i, j]


@jit_merged
def begin_all(start, users, world, state, dials, rules, out):  # type: ignore[no-untyped-def]
    """Start the next episode in every slot with start[i]; users[i] < 0 draws the user from the slot's key."""
    for i in range(start.shape[0]):
        if start[i]:
            begin_anew(np.uintp(i), users[i], world, state, dials, rules, out)


@jit
def respond_to_all_items(world, state, dials, rules, outcome):  # type: ignore[no-untyped-def]
    """Fill outcome (B, N) with each slot's response to every item alone at the first position, under this noise."""
    for i in range(outcome.shape[0]):
        swing = mood_swing(state.slot[i]["mood"], dials[0])
        for a in range(outcome.shape[1]):
            y, x, found = respond(i, a, swing, world, state, dials[0], rules[0])
            clicked_it = clicked_alone(i, y, state, dials[0])
            fill_outcome(outcome[i, a], a, y, x, found, True, clicked_it, world, dials[0], rules[0])
