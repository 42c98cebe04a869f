"""Replay: the last rows of experience as arrays, sampled with a generator of one's own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import DTypeLike, NDArray


class Column(NamedTuple):
    """Shape of one row, and its type."""

    shape: tuple[int, ...]
    dtype: DTypeLike


class Replay:
    """A ring of at most `capacity` rows in named columns; rows may come in any order and number.

    Parameters
    ----------
    capacity
        Rows kept; the oldest are overwritten.
    columns
        Name to `Column`.
    """

    def __init__(self, capacity: int, columns: Mapping[str, Column]) -> None:
        if capacity < 1:
            raise ValueError(f"capacity must be 1 or more, got {capacity}")
        self.capacity = capacity
        self.size = 0
        self.position = 0
        # np.zeros is lazy: memory is taken as rows come in.
        self._data = {name: np.zeros((capacity, *column.shape), column.dtype) for name, column in columns.items()}

    def add(self, rows: Mapping[str, NDArray[Any]]) -> None:
        """Append rows; of more than `capacity` rows the last ones stay.

        Raises
        ------
        ValueError
            If the rows of a column have another shape than those before.
        """
        for name, column in self._data.items():
            if rows[name].shape[1:] != column.shape[1:]:
                raise ValueError(
                    f"replay column {name!r} keeps rows of shape {column.shape[1:]}, got {rows[name].shape[1:]}: "
                    "an agent learns from one slate size and one kind of observation"
                )
        count = len(next(iter(rows.values())))
        places = (self.position + np.arange(count)) % self.capacity
        for name, column in self._data.items():
            column[places[-self.capacity :]] = rows[name][-self.capacity :]
        self.position = int((self.position + count) % self.capacity)
        self.size = min(self.size + count, self.capacity)

    def sample(self, count: int, rng: np.random.Generator) -> dict[str, NDArray[Any]]:
        """Return `count` rows drawn uniformly with replacement."""
        return self.rows(rng.integers(self.size, size=count))

    def rows(self, places: NDArray[np.integer]) -> dict[str, NDArray[Any]]:
        """Return the rows at given places of the ring."""
        return {name: column[places] for name, column in self._data.items()}

    def arrays(self, prefix: str) -> dict[str, NDArray[Any]]:
        """Return the filled rows and the write position as arrays, to be saved."""
        saved = {f"{prefix}{name}": column[: self.size] for name, column in self._data.items()}
        return {**saved, f"{prefix}position": np.array(self.position)}

    def restore(self, arrays: Mapping[str, NDArray[Any]], prefix: str) -> None:
        """Take over what `arrays` returned.

        Raises
        ------
        ValueError
            If the columns do not fit.
        """
        for name, column in self._data.items():
            saved = arrays.get(f"{prefix}{name}")
            if saved is None or saved.shape[1:] != column.shape[1:] or len(saved) > self.capacity:
                shape = None if saved is None else saved.shape
                raise ValueError(f"saved replay column {name!r} has shape {shape}, expected (..., {column.shape[1:]})")
            column[: len(saved)] = saved
            self.size = len(saved)
        self.position = int(arrays[f"{prefix}position"])
