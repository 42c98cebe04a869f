"""The states that an observed session passed through: with the ratings known, nothing of them is random."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from recenv.causal.compiled import jit_allocating
from recenv.causal.equations.rating import normalised_rating
from recenv.causal.equations.satiation import fade, satiate, satiation_match
from recenv.causal.equations.taste_drift import let_go, pull, restore_length
from recenv.causal.equations.trust import trust_next
from recenv.causal.equations.vectors import dot

if TYPE_CHECKING:
    from recenv.causal.observed_sessions import ObservedSessions


class Trajectory(NamedTuple):
    """What each shown item met."""

    affinity: NDArray[np.float64]
    """(n,) taste . V[a], with the taste at that step."""
    match: NDArray[np.float64]
    """(n,) satiation . topic[a]."""
    trust: NDArray[np.float64]
    """(n,) trust after the step of the row."""


def trajectory(sessions: ObservedSessions, dials: NDArray[np.void]) -> Trajectory:
    """Return the states along the sessions under these mechanism strengths (a record of `Behaviour.dials`)."""
    world, n = sessions.world, len(sessions)
    path = Trajectory(np.empty(n), np.empty(n), np.empty(n))
    consumed = sessions.level > 0
    if sessions.clicked is not None:
        consumed |= sessions.clicked == 1
    follow(
        world.tables,
        len(world.topic_names),
        dials,
        world.like_level,
        world.trust_start,
        sessions.step_starts,
        sessions.session,
        sessions.user,
        sessions.item,
        sessions.level,
        consumed,
        path,
    )
    return path


@jit_allocating
def follow(world, n_topics, dials, like_level, trust_start, starts, session, user, item, level, consumed, path):  # type: ignore[no-untyped-def]
    """Fill `path` (n,) step by step: what a step's items meet, then what consuming them leaves behind."""
    taste = np.zeros(world.taste.shape[1])
    satiation = np.zeros(n_topics)
    trust = trust_start
    for s in range(starts.shape[0] - 1):
        begin, end = starts[s], starts[s + 1]
        u = user[begin]
        if begin == 0 or session[begin] != session[begin - 1]:
            taste[:] = world.taste[u]
            satiation[:] = 0.0
            trust = trust_start
        count, liked = 0, 0
        for row in range(begin, end):
            a = item[row]
            path.affinity[row] = dot(taste, world.embedding[a])
            topics = world.topics[world.item[a]["topics_from"] : world.item[a]["topics_to"]]
            path.match[row] = satiation_match(satiation, topics)
            count += 1 if consumed[row] else 0
            liked += 1 if level[row] >= like_level and world.item[a]["length"] > 0.0 else 0
        share, felt = 1.0 / max(count, 1), 0.0
        fade(satiation, dials)
        strength, length = dials["drift"] * share, world.user[u]["taste_length"]
        turning = liked > 0 and strength > 0.0 and length > 0.0
        if turning:
            let_go(taste, liked * strength)
        for row in range(begin, end):
            if not consumed[row]:
                continue
            a = item[row]
            satiate(satiation, world.topics[world.item[a]["topics_from"] : world.item[a]["topics_to"]], share, dials)
            if level[row] > 0:
                felt += normalised_rating(level[row], world.scale.shape[0])
            if turning and level[row] >= like_level and world.item[a]["length"] > 0.0:
                pull(taste, length, world.embedding[a], world.item[a]["length"], strength)
        if turning:
            restore_length(taste, length)
        trust = trust_next(trust, felt * share, dials)
        path.trust[begin:end] = trust
