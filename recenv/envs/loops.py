"""One user, one step: the structural equations in the order in which things happen.

Every function here works on slot `i` alone. The CPU runs them in a loop over the slots, the GPU one thread a slot
(`recenv.envs.gpu`); both compile these same functions.
"""

import math

import numpy as np

from recenv.causal.compiled import jit, jit_apart
from recenv.causal.equations.attraction import attraction, attraction_unshown
from recenv.causal.equations.examination import examined_in_cascade, position_probability
from recenv.causal.equations.funnel import clicked, consumed, purchased
from recenv.causal.equations.leaving import leave_probability
from recenv.causal.equations.mood import mood_next
from recenv.causal.equations.opinion import click_noise_of_normal, normal_from_logistic, opinion_noise
from recenv.causal.equations.organic import discovered, organic, uplift
from recenv.causal.equations.rating import normalised_rating, rating_level
from recenv.causal.equations.satiation import fade, satiate, satiation_match
from recenv.causal.equations.satisfaction import base_satisfaction, boredom_felt, mood_felt, satisfaction
from recenv.causal.equations.taste_drift import drift_towards
from recenv.causal.equations.trust import trust_next
from recenv.causal.equations.vectors import dot
from recenv.causal.noise import (
    CHOICE,
    CLICK,
    EXAMINATION,
    OPINION,
    PASSAGE,
    RESERVED_STEP,
    SHARED_OPINION,
    episode_user,
    gumbel_quantile,
    normal_quantile,
    opinion_uniform,
    uniform_pair,
)
from recenv.causal.pairs import find_pair
from recenv.envs.rules import CALLABLE, NEXT_STEP, SAME_STEP

POSITION, CASCADE, MULTINOMIAL = 0.0, 1.0, 2.0
"""`Behaviour.choice` as a number."""
NO_CLICK = np.uint32(0xFFFFFFFF)
"""Item address of the no-click option."""
VISIBLE_DECAY = np.float32(0.8)
"""Memory of the visible topic profiles from step to step."""


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
def turn_taste(i, a, share, world, state, dials):  # type: ignore[no-untyped-def]
    """Let the liking of item a turn the taste, by `share` of the drift."""
    length = world.user[state.slot[i]["user"]]["taste_length"]
    drift_towards(state.taste[i], length, world.embedding[a], world.item[a]["length"], dials["drift"] * share)


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
        if row["liked"]:
            turn_taste(i, row["item"], share, world, state, dials)
        state.shown[i, state.slot[i]["step"] * k_slate + k] = row["item"]
        state.felt[i, state.slot[i]["step"] * k_slate + k] = felt
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
    if code == 5:  # satisfaction
        return state.slot[i]["trust"]
    total = 0.0
    for k in range(outcome.shape[1]):
        row = outcome[i, k]
        if code == 0:
            total += row["rating"] if row["consumed"] else 0.0
        elif code == 1:
            total += 1.0 if row["liked"] else 0.0
        elif code == 2:
            total += 1.0 if row["clicked"] else 0.0
        elif code == 3:
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
