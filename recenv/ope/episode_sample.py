"""A part of a long log that still holds whole episodes."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recenv.feedback.logged_feedback import LoggedFeedback
from recenv.ope.cross_fit import FeedbackSource


def sample_episodes(feedback: FeedbackSource, *, max_rows: int, seed: int = 0) -> LoggedFeedback:
    """Return all rows of users drawn at random, about `max_rows` of them; of a shorter log all rows."""
    users, count = np.unique(feedback.user, return_counts=True)
    if len(feedback) > max_rows:
        order = np.random.default_rng(seed).permutation(len(users))
        enough = max(2, int(np.searchsorted(np.cumsum(count[order]), max_rows)))
        users = np.sort(users[order[:enough]])
    parts = []
    for block in feedback.iter_blocks():
        keep = np.isin(block.user, users)
        if keep.any():
            parts.append(block.subset(keep))
    return join(parts)


def join(parts: list[LoggedFeedback]) -> LoggedFeedback:
    """Return one log of consecutive parts of a log."""
    if len(parts) == 1:
        return parts[0]
    columns: dict[str, Any] = {}
    for entry in fields(LoggedFeedback):
        values = [getattr(part, entry.name) for part in parts]
        if isinstance(values[0], np.ndarray):
            columns[entry.name] = np.concatenate(values)
        elif entry.name in ("observation", "next_observation"):
            columns[entry.name] = {key: _joined([value[key] for value in values]) for key in values[0]}
        else:
            columns[entry.name] = values[0]
    return LoggedFeedback(**columns)


def _joined(arrays: list[NDArray[Any]]) -> NDArray[Any]:
    return np.concatenate(arrays)
