"""What makes a log unusable, said with the row, the value and the remedy."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

MOST_GUESSED = 2_000_000
"""Items of a catalogue whose size is guessed from the ids; above that they are rather keys of a database."""


def number_column(name: str, values: Any, dtype: type) -> NDArray[Any]:
    """Return `values` as a one-dimensional array of `dtype`, or say which row is not a number of that kind."""
    array = np.asarray(values)
    if array.ndim != 1:
        raise ValueError(f"{name} must have one value a row; its shape is {array.shape}")
    if array.dtype == object or array.dtype.kind in "US":
        array = _parse(name, array)
    elif array.dtype.kind not in "biuf":  # dates, complex numbers
        refuse_first(np.ones(len(array), bool), array, f"{name} must be a number", "encode it as numbers first")
    if np.issubdtype(dtype, np.integer):
        _check_whole(name, array)
    return array.astype(dtype, copy=False)


def _parse(name: str, array: NDArray[Any]) -> NDArray[np.float64]:
    numbers = np.full(len(array), np.nan)
    for row, value in enumerate(array):
        if value is None or value != value:  # a missing value is not equal to itself
            continue
        try:
            numbers[row] = float(value)
        except (TypeError, ValueError):
            raise ValueError(
                f"{name} must be a number; row {row} has {str(value)!r}: encode it as numbers first (rows count from 0)"
            ) from None
    return numbers


def _check_whole(name: str, array: NDArray[Any]) -> None:
    if array.dtype.kind in "iub":
        return
    with np.errstate(invalid="ignore"):
        bad = ~(np.isfinite(array) & (array == np.floor(array)))
    refuse_first(bad, array, f"{name} must be a whole number", "number the values from 0 first")


def refuse_first(bad: Any, values: NDArray[Any], problem: str, remedy: str) -> None:
    """Raise for the first row where `bad` (n,) holds."""
    if np.any(bad):
        row = int(np.argmax(bad))
        raise ValueError(f"{problem}; row {row} has {values[row]}: {remedy} (rows count from 0)")


def check_reward(reward: NDArray[np.float64]) -> None:
    """Refuse rewards that are NaN or infinite."""
    refuse_first(
        ~np.isfinite(reward), reward, "reward must be a finite number", "drop the row, or log the reward that was seen"
    )


def check_item(item: NDArray[np.int64], n_items: int) -> None:
    """Refuse item ids outside the catalogue."""
    refuse_first(
        (item < 0) | (item >= n_items),
        item,
        f"item must be a catalogue id from 0 to {n_items - 1}",
        "map the items to 0..n_items-1, or pass the right n_items",
    )


def check_propensity(propensity: NDArray[np.float64], name: str = "propensity") -> bool:
    """Return whether there are propensities: all of them are in (0, 1], or none is there (all NaN).

    Raises
    ------
    ValueError
        If some rows have one and others do not, or a row has 0, a negative number or more than 1.
    """
    missing = np.isnan(propensity)
    if missing.all():
        return False
    refuse_first(
        missing,
        propensity,
        f"{name} is there for some rows only",
        "log it for every row, drop the rows without, or leave the column out and pass propensity_model=",
    )
    refuse_first(
        ~((propensity > 0) & (propensity <= 1)),
        propensity,
        f"{name} must be in (0, 1]",
        "log the probability of the shown item, not its score",
    )
    return True


def check_logger(logger: NDArray[np.int64] | None) -> None:
    """Refuse loggers that are not numbered from 0."""
    if logger is not None:
        refuse_first(logger < 0, logger, "logger must be at least 0", "number the logging policies 0, 1, 2, ...")


def check_action(action: NDArray[np.float64] | None, density: NDArray[np.float64] | None) -> None:
    """Refuse actions that are not finite, and densities that are not positive or have no action."""
    if action is not None:
        refuse_first(~np.isfinite(action), action, "action must be a finite number", "drop the row")
    if density is not None:
        if action is None:
            raise ValueError(
                "density is that of an action, and there is no action: log both, or log item and propensity"
            )
        bad = ~(np.isfinite(density) & (density > 0))
        refuse_first(
            bad, density, "density must be a positive number", "log the logging policy's density of the action taken"
        )


def check_candidates(candidates: NDArray[np.int64], item: NDArray[np.int64], n_items: int) -> None:
    """Refuse candidates outside the catalogue (-1 pads), or a shown item that was no candidate."""
    outside = ((candidates < -1) | (candidates >= n_items)).any(axis=1)
    refuse_first(outside, candidates, f"candidates must be ids from 0 to {n_items - 1}, or -1", "pad with -1")
    absent = np.asarray((candidates != item[:, None]).all(axis=1))
    refuse_first(absent, item, "the shown item must be among the candidates", "log the candidates that were offered")


def check_unique(
    episode: NDArray[np.int64], step: NDArray[np.int64], position: NDArray[np.int64], order: NDArray[np.int64]
) -> None:
    """Refuse two rows of the same episode, step and position; the rows are sorted, `order` says where they stood."""
    same = (np.diff(episode) == 0) & (np.diff(step) == 0) & (np.diff(position) == 0)
    if same.any():
        row = int(np.argmax(same)) + 1
        raise ValueError(
            f"episode {episode[row]}, step {step[row]}, position {position[row]} is there twice, in rows "
            f"{order[row - 1]} and {order[row]}: drop the duplicate, or number the steps of each episode 0, 1, 2, ..."
        )


def guessed_items(largest: int, row: int | None = None) -> int:
    """Return the size of a catalogue whose largest id is `largest`, unless that is no number of an item."""
    if largest >= MOST_GUESSED:
        where = "" if row is None else f" in row {row}"
        raise ValueError(
            f"item {largest}{where} would make a catalogue of {largest + 1:,} items: number the items from 0 without "
            "gaps, or pass n_items where it is that large"
        )
    return largest + 1


def check_ends(episode: NDArray[np.int64], step: NDArray[np.int64], end: NDArray[np.bool_]) -> None:
    """Refuse an episode that goes on after it was terminated or truncated; the rows are sorted."""
    goes_on = end[:-1] & (np.diff(episode) == 0) & (np.diff(step) > 0)
    if goes_on.any():
        row = int(np.argmax(goes_on))
        raise ValueError(
            f"episode {episode[row]} ended at step {step[row]} but has step {step[row + 1]}: give what follows a new "
            "episode number"
        )
