"""To and from the feedback dictionary of Open Bandit Pipeline (Saito et al. 2021, `saito2021open`)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recenv.feedback.logged_feedback import LoggedFeedback
from recenv.protocol import Policy

NEEDED = ("action", "reward")


def to_obp(
    log: LoggedFeedback, *, item_features: NDArray[np.floating] | None = None, policy: Policy | None = None
) -> dict[str, Any]:
    """Return the log as OBP's `bandit_feedback`: one round a row, in the order of the log.

    Users, sessions and ends have no place there. A log with candidates or without repeats is a bandit over the whole
    catalogue in OBP's eyes: what could not be shown gets probability 0 in `pi_b`.

    Parameters
    ----------
    item_features : (N, Q) array, optional
        Becomes `action_context`.
    policy : optional
        The logging policy, for `pi_b` (n, N, 1): n times N numbers, for small logs.

    Raises
    ------
    ValueError
        If the log shows slates, has no propensities, or the item features are of another catalogue.
    """
    if log.has_slates:
        raise ValueError("the log shows slates; OBP's feedback has one action a round: take one position first")
    if log.propensity_kind == "missing":
        raise ValueError("the log has no propensities, which OBP calls pscore: estimate them first (with_propensity)")
    if item_features is not None and len(item_features) != log.n_items:
        raise ValueError(f"item_features has {len(item_features)} rows, the catalogue has {log.n_items} items")
    return {
        "n_rounds": log.rows,
        "n_actions": log.n_items,
        "context": _context(log),
        "action_context": np.eye(log.n_items) if item_features is None else np.asarray(item_features),
        "action": log.item.copy(),
        "position": None,
        "reward": log.reward.copy(),
        "expected_reward": None,
        "pi_b": None if policy is None else _distribution(log, policy),
        "pscore": log.propensity.copy(),
    }


def from_obp(
    feedback: Mapping[str, Any], *, user: NDArray[np.integer] | None = None, meta: Mapping[str, Any] | None = None
) -> LoggedFeedback:
    """Return OBP's `bandit_feedback` as a log: every round is a session of one step.

    Parameters
    ----------
    feedback : mapping
        With `action` and `reward`; `pscore`, `context`, `n_actions` and `position` where they are there. `position`,
        the slot that the item stood in, becomes a column of the observation. `action_context` is for
        `evaluate(item_features=...)`.
    user : (n,) array, optional
        Who was decided for; each round is a user of its own without it.

    Raises
    ------
    ValueError
        If an entry is missing or unusable.
    """
    for name in NEEDED:
        if feedback.get(name) is None:
            raise ValueError(f"feedback has no {name!r}; it has {', '.join(map(str, feedback)) or 'nothing'}")
    item = np.asarray(feedback["action"])
    rows = len(item)
    observation = {}
    if feedback.get("context") is not None:
        observation["features"] = np.asarray(feedback["context"], np.float32).reshape(rows, -1)
    if feedback.get("position") is not None:
        observation["position"] = np.asarray(feedback["position"], np.int64)
    pscore = feedback.get("pscore")
    return LoggedFeedback(
        episode=np.arange(rows),
        step=np.zeros(rows, np.int64),
        position=np.zeros(rows, np.int64),
        user=np.arange(rows) if user is None else np.asarray(user, np.int64),
        item=item,
        reward=feedback["reward"],
        propensity=np.full(rows, np.nan) if pscore is None else pscore,
        terminated=np.zeros(rows, bool),
        truncated=np.ones(rows, bool),
        observation=observation,
        n_items=int(feedback.get("n_actions") or -1),
        meta={"source": "obp", "repeat": True, **(meta or {})},
    )


def _context(log: LoggedFeedback) -> NDArray[np.float64]:
    columns = [np.asarray(values, np.float64).reshape(log.rows, -1) for values in log.observation.values()]
    return np.hstack(columns) if columns else np.zeros((log.rows, 0))


def _distribution(log: LoggedFeedback, policy: Policy) -> NDArray[np.float64]:
    request = log.request()
    answer = policy.probabilities(request)
    table = np.zeros((log.rows, log.n_items, 1))
    rows, columns = np.nonzero(request.candidates >= 0)
    table[rows, request.candidates[rows, columns], 0] = answer[rows, columns]
    return table
