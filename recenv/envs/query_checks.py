"""What every causal query checks first: that there is an episode, that it still runs, that items are items."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from recenv.envs.core import BatchCore


def check_begun(core: BatchCore) -> None:
    """Refuse a query on a slot in which no episode was ever begun."""
    never = np.flatnonzero(core.state.done & (core.state.slot["step"] == 0))
    if len(never):
        raise RuntimeError(f"no episode was begun for user {never[0]}: call reset() before asking")


def running(core: BatchCore) -> NDArray[np.bool_]:
    """Return (B,) which slots have a next step; refuse where none has."""
    check_begun(core)
    alive = ~core.state.done
    if not alive.any():
        raise RuntimeError("the episode has ended, so there is no next step to ask about: call reset() first")
    return alive


def checked_plan(actions: Any, batch: int, slate_size: int, n_items: int) -> NDArray[np.int64]:
    """Return actions of several steps as (B, T', K) int64; -1 is an empty position.

    Raises
    ------
    TypeError
        If they are not whole numbers.
    ValueError
        If their shape is wrong or an item is not in the catalogue; the place is named.
    """
    array = np.asarray(actions)
    if array.dtype.kind not in "iu":
        raise TypeError(f"actions must be whole numbers (item ids) or a policy, got dtype {array.dtype}")
    if slate_size == 1 and array.ndim == 2:
        array = array[:, :, None]
    if array.ndim != 3 or array.shape[0] != batch or array.shape[2] != slate_size:
        shape = f"({batch}, steps)" if slate_size == 1 else f"({batch}, steps, {slate_size})"
        alone = ", in a single environment without its first axis" if batch == 1 else ""
        raise ValueError(f"actions must have shape {shape}{alone}; got {np.shape(actions)}")
    return checked_items(array, n_items)


def checked_items(array: NDArray[np.integer], n_items: int) -> NDArray[np.int64]:
    """Return item ids as int64; refuse one that is neither in the catalogue nor -1 (an empty position)."""
    bad = np.argwhere((array < -1) | (array >= n_items)) if array.dtype.kind == "i" else np.argwhere(array >= n_items)
    if len(bad):
        place = tuple(int(p) for p in bad[0])
        raise ValueError(
            f"action {array[place]} at {list(place)} (user, step, position) is not an item: ids are 0 to "
            f"{n_items - 1}, and -1 is an empty position"
        )
    return array.astype(np.int64, order="C")  # a copy: the compiled loop knows only arrays that may be written to


def checked_starts(start: Any, core: BatchCore) -> NDArray[np.int64]:
    """Return (B,) the step of each slot's session that a re-roll begins at.

    Raises
    ------
    TypeError, ValueError
        If `start` is not one whole number, or one a slot, of a step that the session has come to.
    """
    array = np.asarray(start)
    if array.dtype.kind not in "iu":
        raise TypeError(f"start must be a whole number, or one for each of {core.batch} users, got {start!r}")
    if array.shape not in ((), (core.batch,)):
        raise ValueError(f"start must be one number or have shape ({core.batch},), got shape {array.shape}")
    starts = np.broadcast_to(array, (core.batch,)).astype(np.int64)
    last = core.state.slot["step"] - core.state.done  # an ended session has no step after its last
    bad = np.flatnonzero((starts < 0) | (starts > last))
    if len(bad):
        i = int(bad[0])
        state = "has ended" if core.state.done[i] else "has come to this step"
        raise ValueError(
            f"start must be 0 to {last[i]} for user {i}, whose session {state}, got {starts[i]}; "
            f"start may have one entry for each of the {core.batch} users"
        )
    return starts
