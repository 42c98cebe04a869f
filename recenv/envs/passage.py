"""What a step leaves behind: the user's state moves on, for slot `i` alone."""

import math

import numpy as np

from recenv.causal.compiled import jit_apart, jit_merged
from recenv.causal.equations.mood import mood_next
from recenv.causal.equations.rating import normalised_rating
from recenv.causal.equations.satiation import fade, satiate, satiate_topic, satiation_gain
from recenv.causal.equations.taste_drift import let_go, pull, restore_length
from recenv.causal.equations.trust import trust_next
from recenv.causal.noise import PASSAGE, normal_quantile, uniform_pair
from recenv.envs.rules import CALLABLE, CLICK, LIKE, PURCHASE, RATING, SATISFACTION

VISIBLE_DECAY = np.float32(0.8)
"""Memory of the visible topic profiles from step to step."""


@jit_merged
def has_met(i, meets, out):  # type: ignore[no-untyped-def]
    """Return 1 where the user consumed an item beside the slate (see `recenv.envs.elsewhere`), else 0.

    `meets` says whether anything is ever met: looked up once, it costs the loops nothing.
    """
    return 1 if meets and out.elsewhere[i]["item"] >= 0 else 0


@jit_merged
def turn_taste(i, count, meets, world, state, dials, rules, out):  # type: ignore[no-untyped-def]
    """Let what was liked turn the taste, each by its share of the drift.

    `count` are the consumed items of the slate; one beside it is one more.
    """
    outcome, met = out.outcome, has_met(i, meets, out)
    share = 1.0 / max(count + met, 1)
    likes_met = met > 0 and out.elsewhere[i]["level"] >= rules["like_level"]
    pulled_by_met = likes_met and world.item[out.elsewhere[i]["item"]]["length"] > 0.0
    strength = dials["drift"] * share
    length = world.user[state.slot[i]["user"]]["taste_length"]
    if strength == 0.0 or length == 0.0:
        return
    turned = strength if pulled_by_met else 0.0
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
    if pulled_by_met:
        a = out.elsewhere[i]["item"]
        pull(state.taste[i], length, world.embedding[a], world.item[a]["length"], strength)
    restore_length(state.taste[i], length)


@jit_merged
def forget_a_little(i, world, state, dials):  # type: ignore[no-untyped-def]
    """Let satiation and the visible topic profiles fade by one step."""
    fade(state.satiation[i], dials)
    fade_profiles(i, world, state)


@jit_merged
def fade_profiles(i, world, state):  # type: ignore[no-untyped-def]
    """Let the visible topic profiles fade by one step."""
    features, topics = world.user_features.shape[1], state.satiation.shape[1]
    profiles = state.visible[i, features : features + 2 * topics]
    for g in range(2 * topics):
        profiles[g] *= VISIBLE_DECAY


@jit_merged
def take_in(i, meets, actions, world, state, dials, rules, out):  # type: ignore[no-untyped-def]
    """Add what was consumed to history, topic profiles and satiation.

    Return (items of the slate consumed, items liked, mean normalised rating of those consumed). An item beside the
    slate satiates and may be liked; neither history nor profiles show it.
    """
    outcome, met = out.outcome, has_met(i, meets, out)
    k_slate, levels = actions.shape[1], world.scale.shape[0]
    features, topics = world.user_features.shape[1], state.satiation.shape[1]
    profiles = state.visible[i, features : features + 2 * topics]
    recent, savoured = profiles[:topics], profiles[topics:]
    count, liked, total = 0, 0, 0.0
    for k in range(k_slate):
        count += 1 if outcome[i, k]["consumed"] else 0
        liked += 1 if outcome[i, k]["liked"] else 0
    share = 1.0 / max(count, 1)
    sating = share if met == 0 else 1.0 / (count + 1)
    at = state.slot[i]["step"] * k_slate
    for k in range(k_slate):
        row = outcome[i, k]
        state.shown[i, np.uintp(at + k)] = row["item"]
        state.felt[i, np.uintp(at + k)] = 0.0
        # At the first position what was not consumed is taken in with weight 0: a branch would be guessed wrong every
        # second time. Further down little is consumed.
        if k > 0 and not row["consumed"]:
            continue
        weight = share if row["consumed"] else 0.0
        felt = normalised_rating(row["level"], levels) if row["consumed"] else 0.0
        total += felt
        item = world.item[np.uintp(max(row["item"], 0))]
        sated = satiation_gain(sating if row["consumed"] else 0.0, dials)
        gain, enjoyed = np.float32((1.0 - VISIBLE_DECAY) * weight), np.float32(felt)
        for j in range(np.uintp(item["topics_from"]), np.uintp(item["topics_to"])):
            row_of_topic = world.topics[j]
            satiate_topic(state.satiation[i], row_of_topic, sated)
            topic, loading = np.uintp(row_of_topic["topic"]), gain * np.float32(row_of_topic["loading"])
            recent[topic] += loading
            savoured[topic] += enjoyed * loading
        state.felt[i, np.uintp(at + k)] = felt
    if met > 0:
        satiate_by(i, out.elsewhere[i]["item"], sating, world, state, dials)
        liked += 1 if out.elsewhere[i]["level"] >= rules["like_level"] else 0
    return count, liked, total * share


@jit_apart
def satiate_by(i, a, share, world, state, dials):  # type: ignore[no-untyped-def]
    """Add item a, one of 1 / share consumed ones, to the satiation of slot i."""
    first, end = np.uintp(world.item[a]["topics_from"]), np.uintp(world.item[a]["topics_to"])
    satiate(state.satiation[i], world.topics[first:end], share, dials)


@jit_merged
def felt_in_all(i, count, felt, meets, world, out):  # type: ignore[no-untyped-def]
    """Return the mean normalised rating of all that was consumed.

    `count` items of the slate have the mean `felt`; what the user met beside it is one more.
    """
    if has_met(i, meets, out) == 0:
        return felt
    met = normalised_rating(out.elsewhere[i]["level"], world.scale.shape[0])
    return (felt * count + met) / (count + 1)


@jit_merged
def passage(seed, episode, user, step):  # type: ignore[no-untyped-def]
    """Return (n_mood, u_leave): the standard normal change of mood, and the uniform number that decides on leaving."""
    u_mood, u_leave = uniform_pair(seed, episode, user, step, np.uint32(0), PASSAGE)
    return normal_quantile(u_mood), u_leave


@jit_merged
def pass_time(i, n_mood, actions, world, state, dials, rules, out):  # type: ignore[no-untyped-def]
    """Move the user's state on after the slate; n_mood is the normal change of mood.

    `recenv.envs.blocks` does the same for many users at once.
    """
    forget_a_little(i, world, state, dials)
    meets = dials["organic_rate"] > 0.0
    count, _, felt = take_in(i, meets, actions, world, state, dials, rules, out)
    turn_taste(i, count, meets, world, state, dials, rules, out)
    move_on(i, n_mood, count, felt, meets, world, state, dials, rules, out)


@jit_merged
def move_on(i, n_mood, count, felt, meets, world, state, dials, rules, out):  # type: ignore[no-untyped-def]
    """Move the scalars of the user's state on.

    `count` and `felt`: how many items of the slate were consumed, and their mean normalised rating.
    """
    all_felt = felt_in_all(i, count, felt, meets, world, out)
    state.slot[i]["trust"] = trust_next(state.slot[i]["trust"], all_felt, dials)
    state.slot[i]["felt_sum"] += felt
    state.slot[i]["consumed_steps"] += 1 if count > 0 else 0
    state.slot[i]["mood"] = mood_next(state.slot[i]["mood"], n_mood, dials)
    hold_nodes(i, state, dials)
    state.slot[i]["step"] += 1
    write_scalars(i, felt, world, state, rules)


@jit_merged
def end_step(i, left, world, state, rules, out):  # type: ignore[no-untyped-def]
    """Write the result of a step; `left` says whether the user left."""
    over = state.slot[i]["step"] >= rules["horizon"] or (rules["exhaustible"] and is_exhausted(i, world, state))
    out.result[i]["reward"] = reward_of(i, rules, state, out.outcome)
    out.result[i]["terminated"] = left
    out.result[i]["truncated"] = over and not left
    state.slot[i]["done"] = left or over


@jit_apart
def is_exhausted(i, world, state):  # type: ignore[no-untyped-def]
    """Say whether all items that this user can be offered were shown."""
    shown = 0
    for j in range(state.shown.shape[1]):
        shown += 1 if state.shown[i, j] >= 0 else 0
    return shown >= world.user[state.slot[i]["user"]]["offered"]


@jit_merged
def hold_nodes(i, state, dials):  # type: ignore[no-untyped-def]
    """Put the nodes that `World.do` holds back to their value."""
    if not math.isnan(dials["fixed_mood"]):
        state.slot[i]["mood"] = dials["fixed_mood"]
    if not math.isnan(dials["fixed_trust"]):
        state.slot[i]["trust"] = dials["fixed_trust"]
    if not math.isnan(dials["fixed_satiation"]):
        for g in range(state.satiation.shape[1]):
            state.satiation[i, g] = dials["fixed_satiation"]


@jit_merged
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
        rating = row["rating"]
        if code == RATING:
            total += rating if row["consumed"] else 0.0
        elif code == LIKE:
            total += 1.0 if row["liked"] else 0.0
        elif code == CLICK:
            total += 1.0 if row["clicked"] else 0.0
        elif code == PURCHASE:
            total += 1.0 if row["purchased"] else 0.0
        else:
            total += 1.0 if row["uplift"] else 0.0
    return total


@jit_merged
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
