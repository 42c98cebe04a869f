"""Observed sessions: what users were shown, in order, and what they did, as the fit of behaviour reads it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from recenv.causal.world import World

UNKNOWN = -1
"""Of `clicked` and `purchased`: nobody wrote it down."""


@dataclass(frozen=True, eq=False)
class ObservedSessions:
    """One row a shown item, sorted by session, step and position.

    Raises
    ------
    ValueError
        If a column has another length, an id or level is outside the world, a session has two users, or an item was
        rated without having been clicked.
    """

    world: World
    session: NDArray[np.int64]
    """(n,) session of the row; states start anew in each."""
    step: NDArray[np.int64]
    """(n,) step within the session."""
    position: NDArray[np.int64]
    """(n,) place in the slate, from 0."""
    user: NDArray[np.int64]
    """(n,) rows of the world's user table."""
    item: NDArray[np.int64]
    """(n,) item ids of the world."""
    level: NDArray[np.int64]
    """(n,) rating level 1..L, 0 where the item was not rated."""
    clicked: NDArray[np.int64] | None = None
    """(n,) 1, 0 or UNKNOWN; None where clicks were not recorded: what was rated was consumed."""
    purchased: NDArray[np.int64] | None = None
    """(n,) 1, 0 or UNKNOWN; None where purchases were not recorded."""
    left: NDArray[np.bool_] | None = None
    """(n,) whether the user left after the step of the row; None where exits were not recorded."""

    def __post_init__(self) -> None:
        """Sort by time and check every column."""
        names = [name for name in _COLUMNS if getattr(self, name) is not None]
        columns = {name: np.asarray(getattr(self, name)) for name in names}
        n = len(columns["item"])
        for name, column in columns.items():
            if column.shape != (n,) or not n:
                raise ValueError(f"{name} must have one value for each of the shown items, got shape {column.shape}")
        order = np.lexsort((columns["position"], columns["step"], columns["session"]))
        for name, column in columns.items():
            kind = bool if name == "left" else np.int64
            object.__setattr__(self, name, np.ascontiguousarray(column[order].astype(kind)))
        self._check()

    def _check(self) -> None:
        bounds = {
            "user": (0, self.world.n_users - 1),
            "item": (0, self.world.n_items - 1),
            "level": (0, self.world.n_levels),
        }
        for name, (low, high) in bounds.items():
            column = getattr(self, name)
            _refuse(
                (column < low) | (column > high), column, f"{name} must be in {low} to {high}", "use the world's ids"
            )
        changes = (np.diff(self.session) == 0) & (np.diff(self.user) != 0)
        _refuse(np.append(False, changes), self.user, "a session must have one user", "number sessions by user")
        if self.clicked is not None:
            unread = (self.clicked == 0) & (self.level > 0)
            _refuse(unread, self.level, "an item that was not clicked must have level 0", "set its level to 0")

    @classmethod
    def from_log(cls, log: Any, world: World) -> ObservedSessions:
        """Return a ratings log as one session a user, every rated item shown alone, in the log's order.

        `log` is a `RatingsLog`, or what `recenv.data.load_log` reads.

        Only for logs whose order is the order of consumption. The timestamps of MovieLens mark when a user sat down to
        rate, so boredom and drift cannot be learned there.
        """
        from recenv.data import load_log

        log = load_log(log)
        step = np.empty(len(log), np.int64)
        by_user = np.argsort(log.user, kind="stable")
        step[by_user] = np.arange(len(log)) - np.searchsorted(log.user[by_user], log.user[by_user])
        user = _rows_of("user", log.user_ids, world.user_ids)[log.user]
        item = _rows_of("item", log.item_ids, world.item_ids)[log.item]
        return cls(world, log.user, step, np.zeros_like(step), user, item, level=_levels(log.rating, world))

    @classmethod
    def from_feedback(cls, feedback: Any, world: World) -> ObservedSessions:
        """Return logged feedback whose reward is "click", "rating" or "purchase", as `meta["reward"]` says.

        A reward of one kind holds nothing of the others; where a log has several, make the record from its columns.
        """
        reward, kind = np.asarray(feedback.reward), feedback.meta.get("reward")
        nothing = np.zeros(len(reward), np.int64)
        seen: dict[str, Any] = {"level": nothing}
        if kind == "click":
            seen["clicked"] = (reward > 0).astype(np.int64)
        elif kind == "rating":
            if 0.0 in world.scale:
                raise ValueError("a reward of 0 may be the rating 0 or no rating: make ObservedSessions with level")
            seen["level"] = np.where(reward == 0, 0, _levels(np.where(reward == 0, world.scale[0], reward), world))
        elif kind == "purchase":
            seen["purchased"] = (reward > 0).astype(np.int64)
        else:
            raise ValueError(
                f'meta["reward"] is {kind!r}: behaviour is fitted to "click", "rating" or "purchase"; make '
                "ObservedSessions from the columns of your log instead"
            )
        f = feedback
        return cls(world, f.episode, f.step, f.position, f.user, f.item, left=f.terminated, **seen)

    def __len__(self) -> int:
        """Return n, the number of shown items."""
        return len(self.item)

    @property
    def step_starts(self) -> NDArray[np.int64]:
        """(S + 1,) first row of each step of each session, and n."""
        new = (np.diff(self.session) != 0) | (np.diff(self.step) != 0)
        return np.concatenate([[0], np.flatnonzero(new) + 1, [len(self)]])

    @cached_property
    def fresh(self) -> NDArray[np.bool_]:
        """(n,) whether the user had not rated the item in a row before: an opinion lasts, so a rating tells it."""
        pair = self.user * self.world.n_items + self.item
        rated = np.flatnonzero(self.level > 0)
        known, first = np.unique(pair[rated], return_index=True)
        place = np.minimum(np.searchsorted(known, pair), max(len(known) - 1, 0))
        if not len(known):
            return np.ones(len(self), bool)
        later = np.arange(len(self)) > rated[first[place]]
        fresh: NDArray[np.bool_] = ~((known[place] == pair) & later)
        return fresh


_COLUMNS = ("session", "step", "position", "user", "item", "level", "clicked", "purchased", "left")


def _refuse(bad: NDArray[np.bool_], values: NDArray[Any], rule: str, remedy: str) -> None:
    if bad.any():
        row = int(np.argmax(bad))
        raise ValueError(f"{rule}; row {row} (sorted by session, step, position) has {values[row]}: {remedy}")


def _rows_of(kind: str, names: NDArray[np.str_], known: NDArray[np.str_]) -> NDArray[np.int64]:
    """Return the world's row of each of the log's own ids."""
    order = np.argsort(known)
    place = order[np.minimum(np.searchsorted(known[order], names), len(known) - 1)]
    _refuse(known[place] != names, names, f"every {kind} must be known to the world", "leave the others out")
    return place


def _levels(rating: NDArray[np.float64], world: World) -> NDArray[np.int64]:
    place = np.minimum(np.searchsorted(world.scale, rating), world.n_levels - 1)
    _refuse(
        world.scale[place] != rating, rating, f"rating must be one of {world.scale.tolist()}", "use the world's scale"
    )
    return (place + 1).astype(np.int64)
