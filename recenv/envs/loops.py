"""Episodes and steps: beginning, response, passage, reward, and the loops over all slots.

Every function of `response`, `passage` and the first half of this file works on slot `i` alone. The CPU runs them in a
loop over the slots, the GPU one thread a slot (`recenv.envs.gpu`); both compile these same functions.
"""

import numpy as np

from recenv.causal.compiled import jit, jit_apart
from recenv.causal.noise import PASSAGE, RESERVED_STEP, episode_user, normal_quantile, uniform_pair
from recenv.envs.passage import hold_nodes, pass_time, reward_of, write_scalars
from recenv.envs.response import clicked_alone, fill_empty, fill_outcome, respond, show_slate
from recenv.envs.rules import NEXT_STEP, SAME_STEP


@jit_apart
def begin_episode(i, user, world, state, dials, rules):  # type: ignore[no-untyped-def]
    """Start the episode (seed[i], episode[i]); a negative user is drawn from that key."""
    if user < 0:
        user = episode_user(state.slot[i]["seed"], state.slot[i]["episode"], world.taste.shape[0])
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
    u, _ = uniform_pair(state.slot[i]["seed"], state.slot[i]["episode"], user, RESERVED_STEP, 0, PASSAGE)
    state.slot[i]["mood"] = normal_quantile(u)
    hold_nodes(i, state, dials)


@jit
def step_slot(i, actions, world, state, dials, rules, out):  # type: ignore[no-untyped-def]
    """Take one step of slot i, and start its next episode where the autoreset rule says so."""
    if rules["autoreset"] == NEXT_STEP and state.slot[i]["done"]:
        for k in range(actions.shape[1]):
            fill_empty(out.outcome[i, k])
        state.slot[i]["episode"] += np.uint32(1)
        begin_episode(i, -1, world, state, dials, rules)
        out.result[i]["reward"] = 0.0
        out.result[i]["terminated"] = False
        out.result[i]["truncated"] = False
        return
    show_slate(i, actions, world, state, dials, rules, out.outcome)
    pass_time(i, actions, world, state, dials, rules, out)
    out.result[i]["reward"] = reward_of(i, rules, state, out.outcome)
    if rules["autoreset"] == SAME_STEP and state.slot[i]["done"]:
        keep_final(i, state, out)
        state.slot[i]["episode"] += np.uint32(1)
        begin_episode(i, -1, world, state, dials, rules)


@jit_apart
def keep_final(i, state, out):  # type: ignore[no-untyped-def]
    """Keep what the agent saw last of an episode before the next one overwrites it."""
    for f in range(state.visible.shape[1]):
        out.final_observation[i, f] = state.visible[i, f]
    for j in range(state.shown.shape[1]):
        out.final_shown[i, j] = state.shown[i, j]
        out.final_felt[i, j] = state.felt[i, j]


@jit
def step_all(order, actions, world, state, dials, rules, out):  # type: ignore[no-untyped-def]
    """Take one step of every slot in `order`: actions (B, K) item ids.

    `order` (B,) uint64 lists the slots. An index that is read and cannot be negative spares the compiler wrap-around
    checks and dozens of running pointers: the loop is an eighth faster than over a plain range.
    """
    for j in range(order.shape[0]):
        step_slot(order[j], actions, world, state, dials[0], rules[0], out)


@jit
def begin_all(start, users, world, state, dials, rules):  # type: ignore[no-untyped-def]
    """Start an episode in every slot with start[i]; users[i] < 0 draws the user from the slot's key."""
    for i in range(start.shape[0]):
        if start[i]:
            begin_episode(i, users[i], world, state, dials[0], rules[0])


@jit
def respond_to_all_items(world, state, dials, rules, outcome):  # type: ignore[no-untyped-def]
    """Fill outcome (B, N) with each slot's response to every item alone at the first position, under this noise."""
    for i in range(outcome.shape[0]):
        for a in range(outcome.shape[1]):
            y, x, u_discovery = respond(i, a, world, state, dials[0], rules[0])
            clicked_it = clicked_alone(i, y, state, dials[0])
            fill_outcome(outcome[i, a], a, y, x, u_discovery, True, clicked_it, world, dials[0], rules[0])
