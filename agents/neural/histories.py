"""Histories that scorers read: of the observation, or kept by user id where the observation has none."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from recenv.protocol import Observation


class History(NamedTuple):
    """What B users were shown, oldest first, and what came of it."""

    shown: NDArray[np.int64]
    """(B, H) item ids, -1 pads."""
    feedback: NDArray[np.float32]
    """(B, H)."""


def no_history(users: int) -> History:
    """Return a history without columns."""
    return History(np.zeros((users, 0), np.int64), np.zeros((users, 0), np.float32))


def observed_history(observation: Observation) -> History | None:
    """Return "shown" and "feedback" of a mapping; None where the observation has no history."""
    if not isinstance(observation, Mapping) or "shown" not in observation or "feedback" not in observation:
        return None
    shown = np.asarray(observation["shown"], np.int64)
    if "mask" in observation:
        shown = np.where(np.asarray(observation["mask"], bool), shown, -1)
    return History(shown, np.asarray(observation["feedback"], np.float32))


class Memory:
    """The last rewards of each user that was met, by id.

    Parameters
    ----------
    length
        H, items kept a user; the oldest are forgotten.
    """

    def __init__(self, length: int) -> None:
        self.length = length
        self.row: dict[int, int] = {}
        self.shown = np.full((0, length), -1, np.int32)
        self.reward = np.zeros((0, length), np.float32)

    def of(self, users: NDArray[np.integer]) -> History:
        """Return what users (B,) were shown, and the rewards; nothing of users who were never met.

        Users who are not named are -1, an id that nobody is remembered by.
        """
        rows = np.array([self.row.get(user, -1) for user in np.asarray(users).tolist()], np.int64)
        if not len(self.shown):
            return History(np.full((len(rows), self.length), -1), np.zeros((len(rows), self.length), np.float32))
        shown = np.where(rows[:, None] >= 0, self.shown[rows], -1)
        return History(shown.astype(np.int64), self.reward[rows])

    def add(self, users: NDArray[np.integer], items: NDArray[np.integer], reward: NDArray[np.floating]) -> None:
        """Append items (B,) and rewards (B,) to the histories of users (B,); a user may stand there twice."""
        for user, item, value in zip(np.asarray(users).tolist(), items.tolist(), reward.tolist(), strict=True):
            row = self.row.setdefault(user, len(self.row))
            if row >= len(self.shown):
                self._grow()
            self.shown[row, :-1], self.shown[row, -1] = self.shown[row, 1:].copy(), item
            self.reward[row, :-1], self.reward[row, -1] = self.reward[row, 1:].copy(), value

    def _grow(self) -> None:
        more = max(64, len(self.shown))
        self.shown = np.concatenate([self.shown, np.full((more, self.length), -1, np.int32)])
        self.reward = np.concatenate([self.reward, np.zeros((more, self.length), np.float32)])

    def arrays(self, prefix: str) -> dict[str, NDArray[Any]]:
        """Return users and their histories, to be saved."""
        count = len(self.row)
        users = np.fromiter(self.row, np.int64, count)
        return {
            f"{prefix}users": users, f"{prefix}shown": self.shown[:count], f"{prefix}reward": self.reward[:count]
        }  # fmt: skip

    def restore(self, arrays: Mapping[str, NDArray[Any]], prefix: str) -> None:
        """Take over what `arrays` returned."""
        self.row = {user: row for row, user in enumerate(arrays[f"{prefix}users"].tolist())}
        self.shown, self.reward = arrays[f"{prefix}shown"].copy(), arrays[f"{prefix}reward"].copy()
