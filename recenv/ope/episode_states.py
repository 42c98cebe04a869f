"""The states that a log's rows lead to: the next row of the episode, or what was observed after the last."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from recenv.feedback.logged_feedback import LoggedFeedback

NOWHERE = -1


@dataclass(frozen=True, eq=False)
class EpisodeStates:
    """All states of a log that a policy can be asked in."""

    log: LoggedFeedback
    """The rows, and behind every truncated episode one more that holds the observation after it."""
    follows: NDArray[np.int64]
    """(n,) row of `log` that each logged row leads to; -1 where the user left, or where it is unknown."""
    unknown: NDArray[np.bool_]
    """(n,) the session went on, but the log does not say where."""


def episode_states(feedback: LoggedFeedback) -> EpisodeStates:
    """Return the states of a log.

    What follows a truncated episode is known if the log has `next_observation` and the whole catalogue could be shown
    (with logged candidates nobody knows what could have been shown next).
    """
    n, last = feedback.rows, np.append(np.diff(feedback.episode) != 0, True)
    ends = np.flatnonzero(last & ~feedback.terminated)
    if feedback.candidates is not None or set(feedback.next_observation) != set(feedback.observation):
        ends = ends[:0]
    leads = ~last
    leads[ends] = True
    place = np.arange(n) + np.searchsorted(ends, np.arange(n))
    log = _with_ends(feedback, ends) if len(ends) else feedback
    return EpisodeStates(log, np.where(leads, place + 1, NOWHERE), ~leads & ~feedback.terminated)


def _with_ends(feedback: LoggedFeedback, ends: NDArray[np.int64]) -> LoggedFeedback:
    """Return the log with one more row behind each of `ends`, which are last rows of their episodes."""
    source = np.insert(np.arange(feedback.rows), ends + 1, ends)
    added = np.zeros(len(source), bool)
    added[ends + 1 + np.arange(len(ends))] = True
    part = feedback.subset(source)
    observation = {name: array.copy() for name, array in part.observation.items()}
    for name, array in observation.items():
        array[added] = part.next_observation[name][added]
    nothing = np.zeros(len(source), bool)
    step = part.step + added
    return replace(part, step=step, terminated=nothing, truncated=nothing, observation=observation, next_observation={})
