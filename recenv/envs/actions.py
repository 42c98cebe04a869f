"""Actions as they come from outside, checked; and the way from actions to item ids and back."""

from __future__ import annotations

from typing import Any

import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from recenv.envs.core import BatchCore


def action_space(choices: int, slate_size: int) -> spaces.Space:
    """Return `Discrete(choices)` for one item, `MultiDiscrete([choices] * K)` for a slate; N choices, or C."""
    return spaces.Discrete(choices) if slate_size == 1 else spaces.MultiDiscrete([choices] * slate_size)


def n_choices(core: BatchCore) -> int:
    """Return among how many an action chooses: C candidates, or the N items of the catalogue."""
    return core.config.candidates or core.world.n_items


def checked_actions(
    actions: Any, batch: int, slate_size: int, choices: int, what: str = "an item: ids"
) -> NDArray[np.int64]:
    """Return actions as (B, K) int64; `what` names the choices in messages.

    Raises
    ------
    TypeError
        If they are not whole numbers.
    ValueError
        If their shape is wrong or a number is out of range; the place is named.
    """
    array = _whole_numbers(actions)
    shape = (batch,) if slate_size == 1 else (batch, slate_size)
    if array.shape not in (shape, (batch, slate_size)):
        raise ValueError(f"actions must have shape {shape}, got {array.shape}")
    ids = array.reshape(batch, slate_size)
    if ids.size and (ids.min() < 0 or ids.max() >= choices):  # before the cast, in which a large number would wrap
        slot, place = np.argwhere((ids < 0) | (ids >= choices))[0]
        raise ValueError(
            f"action {ids[slot, place]} of user {slot} at position {place} is not {what} are 0 to {choices - 1}"
        )
    return np.ascontiguousarray(ids, np.int64)


def one_action(action: Any, slate_size: int) -> NDArray[np.integer]:
    """Return the action of a single environment, an item or a slate (K,), as a batch of one (1, K).

    Raises
    ------
    TypeError, ValueError
        If it is no whole number, or of another shape.
    """
    array = _whole_numbers(action)
    if slate_size == 1 and array.size != 1:
        raise ValueError(f"action must be one number, got shape {array.shape}; slates need slate_size=K")
    if slate_size > 1 and array.shape != (slate_size,):
        raise ValueError(f"action must have shape ({slate_size},), one number a position, got {array.shape}")
    return array.reshape(1, slate_size)


def _whole_numbers(actions: Any) -> NDArray[np.integer]:
    array = np.asarray(actions)
    if array.dtype.kind not in "iu":
        raise TypeError(f"actions must be whole numbers (item ids, or places of candidates), got dtype {array.dtype}")
    return array


def items_of(core: BatchCore, actions: Any) -> NDArray[np.int64]:
    """Return (B, K) the catalogue ids that actions stand for: themselves, or the candidates at these places."""
    shape = core.batch, core.config.slate_size, n_choices(core)
    if core.config.candidates is None:
        return checked_actions(actions, *shape)
    chosen = checked_actions(actions, *shape, "a candidate: places")
    return np.take_along_axis(core.candidates(), chosen, axis=1)


def actions_of(
    core: BatchCore, items: NDArray[np.integer], slots: NDArray[np.integer] | None = None
) -> NDArray[np.int64]:
    """Return the actions that show catalogue items (n, K) in the listed slots (None: all): (n,), or (n, K) for slates.

    An empty position (-1) inside a slate becomes a repeat of the first item, which the environment shows as empty.

    Raises
    ------
    ValueError
        If a user is shown nothing at all, or an item that is no candidate.
    """
    filled = filled_slates(np.asarray(items))
    if core.config.candidates is not None:
        offered = core.candidates() if slots is None else core.candidates()[slots]
        filled = _places(filled, offered)
    return filled[:, 0] if filled.shape[1] == 1 else filled


def filled_slates(items: NDArray[np.integer]) -> NDArray[np.int64]:
    """Return slates (n, K) with the first item at empty positions.

    Raises
    ------
    ValueError
        If the first position is empty.
    """
    if (items[:, 0] < 0).any():
        row = int(np.flatnonzero(items[:, 0] < 0)[0])
        raise ValueError(f"the agent showed nothing to row {row} (items[{row}, 0] is -1); it must choose a candidate")
    return np.where(items < 0, items[:, :1], items).astype(np.int64)


def _places(items: NDArray[np.int64], offered: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return (n, K) where in `offered` (n, C) each item stands."""
    same = items[:, :, None] == offered[:, None, :]
    absent = np.argwhere(~same.any(2))
    if len(absent):
        row, k = absent[0]
        raise ValueError(
            f"item {items[row, k]} at position {k} of row {row} is not among its candidates: choose from "
            "request.candidates of this step"
        )
    return same.argmax(2)
