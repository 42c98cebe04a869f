"""A log of shown items as feedback on whole slates."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recenv.protocol import Decision, Feedback, Observation, Request


def logged_slates(log: Any) -> Feedback:
    """Return the feedback of every decision in a log (`recenv.feedback.LoggedFeedback`), one row a slate.

    The reward of a slate is the sum of its rows'. What could be shown next is what the log says of the episode's next
    decision; after the last one, what could be shown at it.

    Raises
    ------
    ValueError
        If the log has no observations.
    """
    if not log.observation or not log.next_observation:
        raise ValueError("the log has no observation or next_observation columns: collect it with recenv.feedback")
    first = np.flatnonzero(np.concatenate([[True], _differs(log.episode) | _differs(log.step)]))
    decision = np.cumsum(np.bincount(first, minlength=len(log.item))) - 1
    items = np.full((len(first), int(np.bincount(decision).max())), -1, np.int64)
    items[decision, np.arange(len(decision)) - first[decision]] = log.item
    request = log.request(first)._replace(slate_size=items.shape[1])
    following = np.append(np.arange(1, len(first)), len(first) - 1)
    goes_on = log.episode[first][following] == log.episode[first]
    ahead = np.where(goes_on, following, np.arange(len(first)))
    users = None if request.users is None else request.users
    next_request = Request(_named(log.next_observation, first), request.candidates[ahead], items.shape[1], users)
    reward = np.bincount(decision, weights=log.reward).astype(np.float64)
    shown = Decision(items, log.propensity[first])
    return Feedback(request, shown, reward, next_request, log.terminated[first], log.truncated[first])


def _differs(column: NDArray[np.int64]) -> NDArray[np.bool_]:
    return np.diff(column) != 0


def _named(observation: Mapping[str, NDArray[Any]], rows: NDArray[np.int64]) -> Observation:
    chosen = {name: column[rows] for name, column in observation.items()}
    return chosen["features"] if set(chosen) == {"features"} else chosen
