"""What a step leaves behind: the user's state moves on, for slot `i` alone."""

import math

import numpy as np

from recenv.causal.compiled import jit
from recenv.causal.equations.leaving import leave_probability
from recenv.causal.equations.mood import mood_next
from recenv.causal.equations.rating import normalised_rating
from recenv.causal.equations.satiation import fade, satiate
from recenv.causal.equations.taste_drift import let_go, pull, restore_length
from recenv.causal.equations.trust import trust_next
from recenv.causal.noise import PASSAGE, normal_quantile, uniform_pair
from recenv.envs.rules import CALLABLE, CLICK, LIKE, PURCHASE, RATING, SATISFACTION

VISIBLE_DECAY = np.float32(0.8)
"""Memory of the visible topic profiles from step to step."""


@jit
def turn_taste(i, share, world, state, dials, outcome):  # type: ignore[no-untyped-def]
    """Let the liked items of the slate turn the taste, each by `share` of the drift."""
    strength = dials["drift"] * share
    length = world.user[state.slot[i]["user"]]["taste_length"]
    if strength == 0.0 or length == 0.0:
        return
    turned = 0.0
    for k in range(outcome.shape[1]):
        if outcome[i, k]["liked"] and world.item[outcome[i, k]["item"]]["length"] > 0.0:
            turned += strength
    if turned == 0.0:
        return
    let_go(state.taste[i], turned)
    for k in range(outcome.shape[1]):
        a = outcome[i, k]["item"]
        if outcome[i, k]["liked"] and world.item[a]["length"] > 0.0:
            pull(state.taste[i], length, world.embedding[a], world.item[a]["length"], strength)
    restore_length(state.taste[i], length)


@jit
def digest(i, actions, world, state, dials, outcome):  # type: ignore[no-untyped-def]
    """Take in what was consumed: history, taste, topic profiles. Return (items consumed, mean normalised rating)."""
    k_slate, levels = actions.shape[1], world.scale.shape[0]
    features, topics = world.user_features.shape[1], state.satiation.shape[1]
    fade(state.satiation[i], dials)
    profiles = state.visible[i, features : features + 2 * topics]
    for g in range(2 * topics):
        profiles[g] *= VISIBLE_DECAY
    recent, savoured = profiles[:topics], profiles[topics:]
    count, total = 0, 0.0
    for k in range(k_slate):
        count += 1 if outcome[i, k]["consumed"] else 0
    share = 1.0 / max(count, 1)
    for k in range(k_slate):
        row = outcome[i, k]
        felt = 0.0
        if row["consumed"]:
            felt = normalised_rating(row["level"], levels)
            total += felt
            a = np.uint64(row["item"])
            its = world.topics[world.item[a]["topics_from"] : world.item[a]["topics_to"]]
            satiate(state.satiation[i], its, share, dials)
            gain, enjoyed = np.float32((1.0 - VISIBLE_DECAY) * share), np.float32(felt)
            for j in range(its.shape[0]):
                loading = gain * np.float32(its[j]["loading"])
                recent[its[j]["topic"]] += loading
                savoured[its[j]["topic"]] += enjoyed * loading
        state.shown[i, state.slot[i]["step"] * k_slate + k] = row["item"]
        state.felt[i, state.slot[i]["step"] * k_slate + k] = felt
    turn_taste(i, share, world, state, dials, outcome)
    return count, total * share


@jit
def pass_time(i, actions, world, state, dials, rules, out):  # type: ignore[no-untyped-def]
    """Move the user's state on after the slate, and decide whether the user leaves."""
    count, felt = digest(i, actions, world, state, dials, out.outcome)
    state.slot[i]["trust"] = trust_next(state.slot[i]["trust"], felt, dials)
    state.slot[i]["felt_sum"] += felt
    state.slot[i]["consumed_steps"] += 1.0 if count > 0 else 0.0
    u_mood, u_leave = uniform_pair(
        state.slot[i]["seed"], state.slot[i]["episode"], state.slot[i]["user"], state.slot[i]["step"], 0, PASSAGE
    )
    state.slot[i]["mood"] = mood_next(state.slot[i]["mood"], normal_quantile(u_mood), dials)
    hold_nodes(i, state, dials)
    state.slot[i]["step"] += 1
    write_scalars(i, felt, world, state, rules)
    out.result[i]["terminated"] = u_leave < leave_probability(state.slot[i]["trust"], dials)
    out.result[i]["truncated"] = state.slot[i]["step"] >= rules["horizon"] and not out.result[i]["terminated"]
    state.slot[i]["done"] = out.result[i]["terminated"] or out.result[i]["truncated"]


@jit
def hold_nodes(i, state, dials):  # type: ignore[no-untyped-def]
    """Put the nodes that `World.do` holds back to their value."""
    if not math.isnan(dials["fixed_mood"]):
        state.slot[i]["mood"] = dials["fixed_mood"]
    if not math.isnan(dials["fixed_trust"]):
        state.slot[i]["trust"] = dials["fixed_trust"]
    if not math.isnan(dials["fixed_satiation"]):
        for g in range(state.satiation.shape[1]):
            state.satiation[i, g] = dials["fixed_satiation"]


@jit
def reward_of(i, rules, state, outcome):  # type: ignore[no-untyped-def]
    """Return the reward of a step, summed over the slate; 0 for CALLABLE, which Python fills in."""
    code = rules["reward"]
    if code == CALLABLE:
        return 0.0
    if code == SATISFACTION:
        return state.slot[i]["trust"]
    total = 0.0
    for k in range(outcome.shape[1]):
        row = outcome[i, k]
        if code == RATING:
            total += row["rating"] if row["consumed"] else 0.0
        elif code == LIKE:
            total += 1.0 if row["liked"] else 0.0
        elif code == CLICK:
            total += 1.0 if row["clicked"] else 0.0
        elif code == PURCHASE:
            total += 1.0 if row["purchased"] else 0.0
        else:
            total += 1.0 if row["uplift"] else 0.0
    return total


@jit
def write_scalars(i, felt, world, state, rules):  # type: ignore[no-untyped-def]
    """Write the five scalars at the end of the flat observation."""
    at = world.user_features.shape[1] + 2 * state.satiation.shape[1]
    step = state.slot[i]["step"]
    per_step = 1.0 / max(step, 1)
    state.visible[i, at] = step / rules["horizon"]
    state.visible[i, at + 1] = felt
    state.visible[i, at + 2] = state.slot[i]["felt_sum"] * per_step
    state.visible[i, at + 3] = state.slot[i]["consumed_steps"] * per_step
    state.visible[i, at + 4] = 1.0 if step == 0 else 0.0
