"""From a log of one row a shown item to one row a slate."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from recenv.feedback.logged_feedback import LoggedFeedback
from recenv.ope.slate_terms import SlateTerms

Vector = NDArray[np.float64]


def slate_rows(feedback: LoggedFeedback, size: int | None = None) -> NDArray[np.int64]:
    """Return the log's rows as (n, K), one line a slate, from the top position down; None takes K from the longest.

    Raises
    ------
    ValueError
        If slates differ in size, lack a position or repeat an item; the message names the episode and step.
    """
    order = np.lexsort((feedback.position, feedback.step, feedback.episode))
    place = feedback.position[order]
    size = int(place.max()) + 1 if size is None else size
    start = np.flatnonzero(
        np.r_[True, np.diff(feedback.episode[order]) != 0] | np.r_[True, np.diff(feedback.step[order]) != 0]
    )
    length = np.diff(np.r_[start, len(order)])
    _refuse(length != size, order[start], feedback, f"does not have the {size} positions of the others: drop it")
    rows = order.reshape(-1, size)
    gap = (feedback.position[rows] != np.arange(size)).any(axis=1)
    _refuse(gap, rows[:, 0], feedback, "repeats or lacks a position: number them from 0")
    repeated = (np.diff(np.sort(feedback.item[rows], axis=1), axis=1) == 0).any(axis=1)
    _refuse(repeated, rows[:, 0], feedback, "shows an item twice: drop the slate, its probability is not defined")
    return rows


def slate_terms(
    feedback: LoggedFeedback,
    *,
    target: Vector | None = None,
    target_position: Vector | None = None,
    target_prefix: Vector | None = None,
    pi_weight: Vector | None = None,
    q_logged: Vector | None = None,
    q_target: Vector | None = None,
) -> SlateTerms:
    """Return the slates of a log; logged propensities and users come from the log.

    Parameters
    ----------
    target, target_position, target_prefix, q_logged, q_target : (rows,) array, optional
        The target policy's and the model's numbers in the order of the log's rows; `target` and `pi_weight`, which are
        of whole slates, are read at the top position.

    Raises
    ------
    ValueError
        If the log has no propensities, or its slates are not usable; the message names the episode and step.
    """
    if feedback.propensity_kind == "missing":
        raise ValueError("the log has no propensities: log the probability of each slate, or estimate it first")
    rows = slate_rows(feedback)

    def table(column: Vector | None) -> Vector | None:
        return None if column is None else np.asarray(column)[rows]

    def top(column: Vector | None) -> Vector | None:
        return None if column is None else np.asarray(column)[rows[:, 0]]

    return SlateTerms(
        reward=feedback.reward[rows],
        propensity=slate_propensity(feedback, rows),
        target=top(target),
        propensity_position=table(feedback.propensity_position),
        target_position=table(target_position),
        propensity_prefix=table(feedback.propensity_prefix),
        target_prefix=table(target_prefix),
        pi_weight=top(pi_weight),
        q_logged=table(q_logged),
        q_target=table(q_target),
        cluster=feedback.user[rows[:, 0]],
    )


def slate_propensity(feedback: LoggedFeedback, rows: NDArray[np.int64]) -> Vector:
    """Return the propensity (n,) of the slates in `rows` (n, K).

    Raises
    ------
    ValueError
        If the rows of a slate do not agree.
    """
    same = np.isclose(feedback.propensity[rows], feedback.propensity[rows[:, :1]], rtol=1e-9, atol=0.0)
    uneven = np.asarray(~same.all(axis=1))
    _refuse(uneven, rows[:, 0], feedback, "has several propensities: log that of the whole slate in each of its rows")
    return feedback.propensity[rows[:, 0]]


def _refuse(bad: NDArray[np.bool_], rows: NDArray[np.int64], feedback: LoggedFeedback, problem: str) -> None:
    if bad.any():
        row = int(rows[np.argmax(bad)])
        raise ValueError(f"the slate of episode {feedback.episode[row]}, step {feedback.step[row]} {problem}")
