"""Columns that grow block by block."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray


class Columns:
    """Named columns (n, ...), whose rows come in pieces."""

    def __init__(self) -> None:
        self._parts: dict[str, list[NDArray[Any]]] = {}

    def append(self, new: Mapping[str, NDArray[Any] | None]) -> None:
        """Add the next rows of some columns; None is no column."""
        for name, array in new.items():
            if array is not None:
                self._parts.setdefault(name, []).append(array)

    def joined(self) -> dict[str, NDArray[Any]]:
        """Return each column as one array."""
        return {name: np.concatenate(parts) for name, parts in self._parts.items()}
